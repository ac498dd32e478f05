// RUN: not %moe-opt %s --cpu-lower-grouped=lanes=4 2>&1 | FileCheck %s
// CHECK: error: lanes of cpu-lower-grouped are 8 or 16, got 4
module {}
