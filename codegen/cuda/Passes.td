// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes from grouped operations to CUDA kernels and the host code that
// launches them, in the order in which the pipeline runs them (Pipeline.cpp).

#ifndef MOEC_CODEGEN_CUDA_PASSES_TD
#define MOEC_CODEGEN_CUDA_PASSES_TD

include "mlir/Pass/PassBase.td"

def CudaLowerGroupedPass : Pass<"cuda-lower-grouped"> {
  let summary = "Lower grouped operations on buffers to parallel loops over elements";
  let description = [{
    Every grouped operation on memrefs becomes `scf.parallel` loops of which an
    iteration is the work of one thread: an element of a result, or a row of a
    selection. Epilogues and policies are inlined as scalars. A `grouped.matmul`
    that tensor cores can make becomes loops over thread blocks with a
    `cuda.multiply_tiles`, one for few rows a group and one for many; of others a remark
    says why not. With `bf16`, those of experts with weights in bf16 get
    `grouped.compute = "bf16"`: their rows are rounded to bf16.

    ```mlir
    grouped.gather source(%x : memref<?x8xf32>)
      groups(%o, %t : memref<5xi32>, memref<?xi32>) outs(%r : memref<?x8xf32>)
    ==>
    scf.parallel (%row, %column) = (%c0, %c0) to (%rows, %c8) step (%c1, %c1) {
      %isThere = arith.cmpi ult, %row, %total : index
      scf.if %isThere {
        %token = memref.load %t[%row] : memref<?xi32>
        ...
    ```
  }];
  let options = [
    Option<"bf16", "bf16", "bool", "false",
           "Round rows that meet bf16 weights of experts to bf16">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::moec::cpu::CpuDialect",
    "::moec::cuda::CudaDialect"
  ];
}

def CudaLowerLinalgPass : Pass<"cuda-lower-linalg"> {
  let summary = "Lower linalg and copies to parallel loops";
  let description = [{
    The parallel dimensions of an operation become one `scf.parallel`, outermost,
    its reductions loops inside. `scf.forall` becomes `scf.parallel`.

    ```mlir
    memref.copy %a, %b : memref<?x8xf32> to memref<?x8xf32>
    ==>
    scf.parallel (%i, %j) = (%c0, %c0) to (%n, %c8) step (%c1, %c1) {
      %v = memref.load %a[%i, %j] : memref<?x8xf32>
      memref.store %v, %b[%i, %j] : memref<?x8xf32>
      scf.reduce
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def CudaOutlineKernelsPass
    : Pass<"cuda-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Outline parallel loops into kernels";
  let description = [{
    Each outermost `scf.parallel` becomes a private function marked
    `cuda.kernel`, launched where the loop stood; loops that are alike share
    one. What else reads or writes buffers becomes a kernel of one thread block,
    since host code cannot: with all that needs what it reads. Functions get two
    more arguments, the number of multiprocessors (`moe.workers`) and the host's
    services (`moe.services`).

    ```mlir
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      memref.store %v, %m[%i] : memref<?xf32>
      scf.reduce
    }
    ==>
    %blocks = arith.ceildivui %n, %c256 : index
    cuda.launch @loop_0 blocks(%blocks) threads 256 services(%s : !llvm.ptr)
      args(%n, %v, %m : index, f32, memref<?xf32>)
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
    "::moec::cuda::CudaDialect"
  ];
}

def CudaLowerLaunchPass : Pass<"cuda-lower-launch", "::mlir::ModuleOp"> {
  let summary = "Lower cuda.launch to a call of the host's service";
  let description = [{
    The values of the arguments go onto the stack and their addresses into a
    `moec_launch` (`moec/frame.h`), which `services->launch` takes. A kernel is
    named by its position among the module's kernels, which are erased.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

#endif // MOEC_CODEGEN_CUDA_PASSES_TD
