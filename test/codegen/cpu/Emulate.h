// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code of a level that the machine may lack, for a machine with AVX2.

#ifndef MOEC_TEST_CODEGEN_CPU_EMULATE_H
#define MOEC_TEST_CODEGEN_CPU_EMULATE_H

#include <string>

namespace moec::cpu::test {

/// The shared object of this LLVM IR for x86-64-v3: vpdpbusd and vdpbf16ps
/// become functions of plain IR, as Intel's manual defines them; other vectors
/// are split. Empty, and a failure of the test, if that is not possible.
std::string compileEmulated(const std::string &llvmText);

} // namespace moec::cpu::test

#endif // MOEC_TEST_CODEGEN_CPU_EMULATE_H
