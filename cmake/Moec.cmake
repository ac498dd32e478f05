# One wrapper a kind of target, so that a folder's CMakeLists.txt is a list of
# its files and of what it links.

# A compiler library: moec_add_library(NAME sources... LINK libs... DEPENDS tblgen-targets...)
function(moec_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  moec_compiler_options(${name} ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# A program in build/bin: moec_add_tool(NAME sources... LINK libs...)
function(moec_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  moec_compiler_options(${name} ${ARG_LINK})
endfunction()

# A GoogleTest program that `check-moec` runs: moec_add_unittest(NAME sources... LINK libs...)
function(moec_add_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gtest_main)
  moec_compiler_options(${name} ${ARG_LINK})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unittests)
  set_property(GLOBAL APPEND PROPERTY MOEC_UNITTESTS ${name})
endfunction()

# Generates X.h.inc and X.cpp.inc next to the .td in the build tree:
# moec_tablegen(TARGET FILE.td OUTPUT.inc -gen-... OUTPUT.inc -gen-... )
function(moec_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(rest ${ARGN})
  while(rest)
    list(POP_FRONT rest output flags)
    string(REPLACE " " ";" flags "${flags}")
    mlir_tablegen(${output} ${flags})
  endwhile()
  add_public_tablegen_target(${target})
endfunction()

# Options of every target; what links MLIR shares the precompiled headers, which
# are most of the time that a file takes to compile.
function(moec_compiler_options name)
  target_compile_options(${name} PRIVATE -fno-rtti -fno-exceptions -Wall -Wextra
    -Wno-unused-parameter)
  if("MLIR" IN_LIST ARGN AND MOEC_PRECOMPILED_HEADERS)
    moec_share_precompiled_headers(${name})
  endif()
endfunction()

function(moec_share_precompiled_headers name)
  # A precompiled header is used only with the options that it was made with.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC -Xclang -fno-pch-timestamp)
  if(NOT TARGET MoecPrecompiled)
    file(WRITE ${CMAKE_BINARY_DIR}/Precompiled.cpp "")
    add_library(MoecPrecompiled OBJECT ${CMAKE_BINARY_DIR}/Precompiled.cpp)
    moec_compiler_options(MoecPrecompiled)
    set_target_properties(MoecPrecompiled PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(MoecPrecompiled PRIVATE -fPIC -Xclang -fno-pch-timestamp)
    target_precompile_headers(MoecPrecompiled PRIVATE
      ${CMAKE_SOURCE_DIR}/cmake/Precompiled.h)
  endif()
  target_precompile_headers(${name} REUSE_FROM MoecPrecompiled)
endfunction()
