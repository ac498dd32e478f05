// RUN: moe-opt %s --verify-roundtrip --split-input-file | FileCheck %s

// CHECK: #grouped.packed<["gate", "up"], [#moe.random<seed = 1, std = 2.000000e-02 : f64>, #moe.random<seed = 2, std = 2.000000e-02 : f64>], #grouped.panels<parts = 2, columns = 20, depth = 7>, nk>
ml_program.global private @packed(#grouped.packed<["gate", "up"],
  [#moe.random<seed = 1, std = 0.02 : f64>, #moe.random<seed = 2, std = 0.02 : f64>],
  #grouped.panels<parts = 2, columns = 20, depth = 7>, nk>) : tensor<8x3x4x16x2xbf16>
