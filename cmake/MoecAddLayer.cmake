# moec_add_layer(TARGET INPUT path [OPTIONS option...] [DEPENDS file...])
#
# Compiles a model description at build time, as
# `moec path -o TARGET.o --emit=object option...` does. What links TARGET has the
# code, and TARGET.h (its functions begin with TARGET_) in its include path. A
# directory is compiled again when one of its files changes.
function(moec_add_layer target)
  cmake_parse_arguments(ARG "" "INPUT" "OPTIONS;DEPENDS" ${ARGN})
  if(NOT ARG_INPUT)
    message(FATAL_ERROR "moec_add_layer(${target}): expected INPUT")
  endif()
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR
      "moec_add_layer(${target}): unknown words: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(input ${ARG_INPUT} ABSOLUTE)
  set(files ${input})
  if(IS_DIRECTORY ${input})
    file(GLOB files CONFIGURE_DEPENDS ${input}/*)
  endif()
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/${target}.layer)
  set(object ${directory}/${target}.o)
  file(MAKE_DIRECTORY ${directory})
  add_custom_command(OUTPUT ${object} ${directory}/${target}.h
    COMMAND moec::compiler ${input} -o ${object} --emit=object ${ARG_OPTIONS}
    DEPENDS ${files} ${ARG_DEPENDS} moec::compiler
    COMMENT "Compiling the layer ${target}" VERBATIM)
  add_custom_target(${target}_object DEPENDS ${object})
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_object)
  target_include_directories(${target} INTERFACE ${directory})
  target_link_libraries(${target} INTERFACE ${object})
endfunction()
