// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_CUDA_CUDA_TD
#define MOEC_CODEGEN_CUDA_CUDA_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"

def Cuda_Dialect : Dialect {
  let name = "cuda";
  let cppNamespace = "::moec::cuda";
  let summary = "Launches of kernels by host code";
}

def Cuda_LaunchOp : Op<Cuda_Dialect, "launch",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "enqueue a kernel on the stream of the call";
  let description = [{
    Asks the host to run the kernel in `blocks` thread blocks of `threads`
    threads; it does not wait for it. No block: nothing is run. Buffers are
    memory of the device: the kernel gets an address, then the dynamic sizes and
    strides.

    * (launch_c1) the kernel is a function of this module, marked
      `cuda.kernel`, without results;
    * (launch_c2) it takes what the launch passes.

    ```mlir
    cuda.launch @rows_0 blocks(%n) threads 256 services(%s : !llvm.ptr) args(%m : memref<?xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Index:$blocks,
                       I32Attr:$threads, LLVM_AnyPointer:$services,
                       Variadic<AnyType>:$captures);
  let assemblyFormat = [{
    $kernel `blocks` `(` $blocks `)` `threads` $threads
    `services` `(` $services `:` type($services) `)`
    (`args` `(` $captures^ `:` type($captures) `)`)? attr-dict
  }];
}

#endif // MOEC_CODEGEN_CUDA_CUDA_TD
