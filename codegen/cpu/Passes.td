// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes from grouped operations to LLVM for CPUs, in the order in which the
// pipeline runs them (Pipeline.cpp).

#ifndef MOEC_CODEGEN_CPU_PASSES_TD
#define MOEC_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def CpuGlobalsToArgumentsPass
    : Pass<"cpu-globals-to-arguments", "::mlir::ModuleOp"> {
  let summary = "Pass parameters to functions as arguments";
  let description = [{
    Each global that a public function loads becomes one read-only argument of
    it, marked `moe.param`; the host hands the weights over in this order. Calls
    of private functions must have been inlined. A global of the value
    `#moe.state` becomes memory of the session, marked `moe.state`, which is read
    at the top and written where it is stored; storing to another is an error.

    ```mlir
    func.func @f(%x: tensor<?x8xf32>) {
      %w = ml_program.global_load_const @w : tensor<4x8xf32>
    ==>
    func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>
        {bufferization.writable = false, moe.param = @w}) {
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def CpuPrepareTensorsPass : Pass<"cpu-prepare-tensors"> {
  let summary = "Decompose softmax and concatenation before bufferization";
  let description = [{
    `linalg.softmax` becomes the element-wise operations and reductions it
    stands for and `tensor.concat` becomes insertions of slices, while both are
    still on tensors. Each use of an empty tensor gets one of its own, so that
    each buffer lives as short as it can.
  }];
  // Taps become operations of the cpu dialect when they are bufferized.
  let dependentDialects = ["::moec::cpu::CpuDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::math::MathDialect"];
}

def CpuResultsToArgumentsPass
    : Pass<"cpu-results-to-arguments", "::mlir::ModuleOp"> {
  let summary = "Let public functions write their results into buffers of the caller";
  let description = [{
    Each result becomes a buffer argument marked `moe.result`, in which the
    value is materialised, in each branch that yields it;
    `eliminate-empty-tensors` then lets the producer write there at once.

    ```mlir
    func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      ...
      return %y : tensor<?x8xf32>
    ==>
    func.func @f(%x: tensor<?x8xf32>, %r: memref<?x8xf32> {moe.result}) {
      ...
      bufferization.materialize_in_destination %y in restrict writable %r
      return
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect"];
}

def CpuLowerGroupedPass : Pass<"cpu-lower-grouped", "::mlir::ModuleOp"> {
  let summary = "Lower grouped operations on buffers to parallel loops and vector kernels";
  let description = [{
    Every grouped operation on memrefs becomes `scf.parallel` loops (tasks) with
    microkernels in `vector` operations; at most one level of them is parallel
    where the operation stands at the top of a function, none inside another
    parallel loop. Epilogues are inlined at vector width.
  }];
  let options = [
    Option<"lanes", "lanes", "unsigned", "8",
           "f32 elements of a vector register: 8 or 16">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::affine::AffineDialect", "::mlir::LLVM::LLVMDialect",
    "::moec::cpu::CpuDialect"
  ];
}

def CpuLowerTransformerPass : Pass<"cpu-lower-transformer"> {
  let summary = "Lower attention and kv_append on buffers to parallel loops";
  let description = [{
    `transformer.attention` becomes tasks of a block of rows of one key head:
    blocks of keys with an online softmax, products in register tiles, blocks
    that no row sees skipped. `transformer.kv_append` copies rows, a sequence a
    task.
  }];
  let options = [
    Option<"lanes", "lanes", "unsigned", "8",
           "f32 elements of a vector register: 8 or 16">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def CpuBoundAllocationsPass : Pass<"cpu-bound-allocations"> {
  let summary = "Give allocations of computed sizes the largest size they can have";
  let description = [{
    An allocation whose size does not follow from the sizes of arguments (the
    last block of rows may be short, the rows of an expert are known in a call
    only) becomes room for an upper bound that does, of which a dense view is
    used, so that the workspace is a function of the arguments' sizes. A size
    without such a bound is an error.

    ```mlir
    %n = arith.minui %end, %rows : index      // %rows: of an argument
    %a = memref.alloc(%n) : memref<?x8xf32>
    ==>
    %b = memref.alloc(%bytes) : memref<?xi8>  // %rows * 32, rounded up
    %a = memref.view %b[%c0][%n] : memref<?xi8> to memref<?x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def CpuLowerLinalgPass : Pass<"cpu-lower-linalg"> {
  let summary = "Lower what is left of linalg to loops (row-parallel at the top)";
  let description = [{
    Copies and linalg operations on buffers become loops. At the top of a
    function the outermost loop, if it is parallel, is split into blocks of rows
    that run in parallel; inside a parallel loop all is sequential. `scf.forall`
    becomes `scf.parallel`.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::affine::AffineDialect",
                           "::mlir::scf::SCFDialect"];
}

def CpuExpandMathPass : Pass<"cpu-expand-math"> {
  let summary = "Expand exp, tanh, erf, .. and bf16 conversions to arithmetic";
  let description = [{
    Mathematical functions become polynomials, so that generated code needs no
    libm. `exp` is within 2e-7 relative of the true value on the range where the
    result is a normal number; NaN and infinities behave as in libm.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def CpuOutlineParallelPass
    : Pass<"cpu-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "Outline parallel loops into task functions";
  let description = [{
    The body of each `scf.parallel` becomes a private function
    `(%index, %worker, captures...)`, called by `cpu.parallel_for`. Constants are
    cloned into it. A buffer that the body allocates is allocated once per worker
    outside. Functions get two more arguments, the number of workers
    (`moe.workers`, what `cpu.num_workers` stands for) and the host's services
    (`moe.services`).

    ```mlir
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      memref.store %v, %m[%i] : memref<?xf32>
    }
    ==>
    cpu.parallel_for @f_task_0(%n) services(%s : !llvm.ptr) captures(%v, %m : f32, memref<?xf32>)
    ```
  }];
  let dependentDialects = ["::moec::cpu::CpuDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def CpuShareTasksPass : Pass<"cpu-share-tasks", "::mlir::ModuleOp"> {
  let summary = "Keep one of task functions that are alike";
  let description = [{
    The layers of a model differ in the weights that their tasks capture only:
    such tasks become one function, so that code and compile time grow with the
    kinds of layers, not with their number.

    ```mlir
    cpu.parallel_for @f_task_0(%n) services(%s : !llvm.ptr) captures(%w0 : memref<8xf32>)
    cpu.parallel_for @f_task_7(%n) services(%s : !llvm.ptr) captures(%w1 : memref<8xf32>)
    ==>
    cpu.parallel_for @f_task_0(%n) services(%s : !llvm.ptr) captures(%w0 : memref<8xf32>)
    cpu.parallel_for @f_task_0(%n) services(%s : !llvm.ptr) captures(%w1 : memref<8xf32>)
    ```
  }];
}

def CpuAllocateArenaPass : Pass<"cpu-allocate-arena", "::mlir::ModuleOp"> {
  let summary = "Place all buffers of a function in one workspace";
  let description = [{
    Every allocation becomes a view of an argument `moe.workspace` at a multiple
    of 64 bytes. A second function `NAME_workspace(dims.., workers)` returns the
    bytes needed; so sizes must follow from argument sizes, constants and the
    number of workers, anything else is an error. Allocations in loops are
    hoisted. Buffers that do not live at the same time share bytes, and so do
    branches of which only one runs.

    ```mlir
    func.func @f(%x: memref<?x8xf32>, ..) {
      %a = memref.alloc(%n) : memref<?x4xf32>
    ==>
    func.func @f(%x: memref<?x8xf32>, .., %ws: memref<?xi8> {moe.workspace}) {
      %a = memref.view %ws[%offset][%n] : memref<?xi8> to memref<?x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect"];
}

def CpuLowerTapsPass : Pass<"cpu-lower-taps", "::mlir::ModuleOp"> {
  let summary = "Lower cpu.tap to a call of the host's service";
  let description = [{
    Describes the buffer as a `moec_tensor` on the stack and hands it to
    `services->tap` with the tap's name, unless the host has no tap.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect"];
}

def CpuLowerParallelPass : Pass<"cpu-lower-parallel", "::mlir::ModuleOp"> {
  let summary = "Lower cpu.parallel_for to a call of the host's service";
  let description = [{
    The captures go into a structure on the stack, a thunk
    `void(void *argument, int64_t index, int64_t worker)` unpacks them and calls
    the task. No call is made for count 0; a single task runs at once.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect"];
}

def CpuLowerWaitPass : Pass<"cpu-lower-wait", "::mlir::ModuleOp"> {
  let summary = "Lower cpu.wait to a loop over an atomic load";
  let description = [{
    A private function, once for the module, reads the counter and asks
    `services->wait` to come back later; where the host has no such service, it
    reads again at once.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect"];
}

def CpuLowerExpandShapePass : Pass<"cpu-lower-expand-shape"> {
  let summary = "Lower memref.expand_shape with several dynamic sizes to a view";
  let description = [{
    For groups with several dynamic sizes only; upstream lowers the others.

    ```mlir
    %v = memref.expand_shape %m [[0, 1], [2]] output_shape [%b, %s, 8]
       : memref<?x8xf32> into memref<?x?x8xf32>
    // becomes
    %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %m
    %c = memref.reinterpret_cast %base to offset: [0], sizes: [%b, %s, 8],
           strides: [%n, 8, 1]
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect"];
}

def CpuEmitEntryPointsPass
    : Pass<"cpu-emit-entry-points", "::mlir::ModuleOp"> {
  let summary = "Add the C entry points that check a frame and call the function";
  let description = [{
    For each public function `NAME` adds `moec_fn_NAME` and
    `moec_workspace_NAME` as `moec/frame.h` describes them and makes the function
    private.
  }];
  let options = [
    Option<"device", "device", "bool", "false",
           "The code launches kernels instead of tasks">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::arith::ArithDialect"];
}

def CpuToLlvmPass : Pass<"cpu-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Convert what is left to the LLVM dialect";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // MOEC_CODEGEN_CPU_PASSES_TD
