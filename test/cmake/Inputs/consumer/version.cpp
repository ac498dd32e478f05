// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "moec/runtime.h"
#include "tiny.h"
#include <cstdio>

int main() {
  std::printf("moec %s, workspace %s\n", moec_version(),
              tiny_layers_0_moe_workspace(4, nullptr) > 0 ? "known"
                                                          : "unknown");
}
