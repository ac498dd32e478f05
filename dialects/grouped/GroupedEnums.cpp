// placeholder: listed in CMakeLists.txt, not written yet
