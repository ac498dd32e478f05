// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_CPU_CPU_TD
#define MOEC_CODEGEN_CPU_CPU_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
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

def Cpu_NumWorkersOp : Op<Cpu_Dialect, "num_workers", [Pure]> {
  let summary = "number of the host's workers";
  let description = [{
    Becomes an argument of the function in cpu-outline-parallel.

    ```mlir
    %n = cpu.num_workers : index
    ```
  }];
  let results = (outs Index:$count);
  let assemblyFormat = "attr-dict `:` type($count)";
}

def Cpu_WaitOp : Op<Cpu_Dialect, "wait"> {
  let summary = "wait until other tasks have counted far enough";
  let description = [{
    Returns when the counter is at least `least`; what was written before it was
    counted up (by `memref.atomic_rmw`) is visible then. The task that counts
    must have begun already, or wait for nothing that has not. The services are
    there from cpu-outline-parallel on.

    ```mlir
    cpu.wait %ready[%chunk] until %n services(%s : !llvm.ptr) : memref<?xi32>
    ```
  }];
  let arguments = (ins MemRefRankOf<[I32], [1]>:$counters, Index:$position,
                       Index:$least, Optional<LLVM_AnyPointer>:$services);
  let assemblyFormat = [{
    $counters `[` $position `]` `until` $least
    (`services` `(` $services^ `:` type($services) `)`)? attr-dict
    `:` type($counters)
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
