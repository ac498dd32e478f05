# What `cmake --install` and CPack bring, in two components: `runtime` (library,
# headers, CMake and pkg-config files; no LLVM) and `compiler` (the programs).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
# Packages are made of what is built, not of all that could be.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(moec_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/moec)

install(TARGETS moec EXPORT moecRuntimeTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS moec_runtime EXPORT moecRuntimeTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set_target_properties(moec PROPERTIES EXPORT_NAME runtime)
set_target_properties(moec_runtime PROPERTIES EXPORT_NAME runtime_static)
install(EXPORT moecRuntimeTargets NAMESPACE moec:: DESTINATION ${moec_cmake_dir}
  COMPONENT runtime)
install(FILES runtime/include/moec/dlpack.h runtime/include/moec/frame.h
  runtime/include/moec/runtime.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moec COMPONENT runtime)

set(moec_programs moec-compiler moe-run moe-inspect moe-bench moe-opt moe-reduce)
install(TARGETS ${moec_programs} EXPORT moecCompilerTargets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT compiler)
install(TARGETS moec_compiler moec_reference EXPORT moecCompilerTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT compiler
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set_target_properties(moec-compiler PROPERTIES EXPORT_NAME compiler)
set_target_properties(moec_compiler PROPERTIES EXPORT_NAME compiler_library)
set_target_properties(${moec_programs} moec_compiler moec_reference PROPERTIES
  INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR};${LLVM_LIBRARY_DIRS}")
install(EXPORT moecCompilerTargets NAMESPACE moec:: DESTINATION ${moec_cmake_dir}
  COMPONENT compiler)
install(FILES tools/driver/include/moec/compiler.h
  runtime/include/moec/reference.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moec COMPONENT compiler)
install(FILES cmake/MoecAddLayer.cmake DESTINATION ${moec_cmake_dir}
  COMPONENT compiler)

set(generated ${CMAKE_CURRENT_BINARY_DIR}/install)
configure_package_config_file(cmake/moecConfig.cmake.in
  ${generated}/moecConfig.cmake INSTALL_DESTINATION ${moec_cmake_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${generated}/moecConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
configure_file(cmake/moec.pc.in ${generated}/moec.pc @ONLY)
install(FILES ${generated}/moecConfig.cmake ${generated}/moecConfigVersion.cmake
  DESTINATION ${moec_cmake_dir} COMPONENT runtime)
install(FILES ${generated}/moec.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT runtime)
foreach(component runtime compiler)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/moec-${component}
    RENAME copyright COMPONENT ${component})
endforeach()

# cpack -G DEB: moec-runtime and moec-compiler.
set(CPACK_PACKAGE_VENDOR moec)
set(CPACK_PACKAGE_CONTACT "moec developers <moec@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL runtime compiler)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
foreach(component RUNTIME COMPILER)
  string(TOLOWER ${component} name)
  set(CPACK_DEBIAN_${component}_PACKAGE_NAME moec-${name})
endforeach()
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_COMPILER_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENT_COMPILER_DEPENDS runtime)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
  "Runtime of compiled Mixture-of-Experts layers\n Library, headers, CMake and pkg-config files.")
set(CPACK_COMPONENT_COMPILER_DESCRIPTION
  "Compiler of Mixture-of-Experts graphs\n The program moec and those that run, time and inspect what it writes.")
include(CPack)
