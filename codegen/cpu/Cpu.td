// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_CPU_CPU_TD
#define MOEC_CODEGEN_CPU_CPU_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"

def Cpu_Dialect : Dialect {
  let name = "cpu";
  let cppNamespace = "::moec::cpu";
  let summary = "Calls of the host's services in CPU code";
}

def Cpu_ParallelForOp : Op<Cpu_Dialect, "parallel_for",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a task function for each index below a count";
  let description = [{
    Calls `task(index, worker, captures...)` for each index in `[0, count)`, in
    any order and on any of the host's workers.

    * (parallel_for_c1) the task is a function of this module without results;
    * (parallel_for_c2) it takes two `index` and then the captures.

    ```mlir
    cpu.parallel_for @task(%n) services(%s : !llvm.ptr) captures(%m : memref<?xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$task, Index:$count,
                       LLVM_AnyPointer:$services, Variadic<AnyType>:$captures);
  let assemblyFormat = [{
    $task `(` $count `)` `services` `(` $services `:` type($services) `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)? attr-dict
  }];
}

def Cpu_TapOp : Op<Cpu_Dialect, "tap"> {
  let summary = "hand a value to the host's tap";
  let description = [{
    The host sees the whole buffer, row-major, while the call lasts. The services
    are there from cpu-outline-parallel on.

    ```mlir
    cpu.tap "layers.0.scores" %m services(%s : !llvm.ptr) : memref<?x8xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, AnyMemRef:$value,
                       Optional<LLVM_AnyPointer>:$services);
  let assemblyFormat = [{
    $name $value (`services` `(` $services^ `:` type($services) `)`)? attr-dict
    `:` type($value)
  }];
}

#endif // MOEC_CODEGEN_CPU_CPU_TD
