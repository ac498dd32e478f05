// RUN: %moe-opt %s --moe-select-compute=compute=f8 --verify-diagnostics

// expected-error @+1 {{expects compute to be int8 or bf16, got f8}}
module {
}
