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
    strides. A block has `shared` bytes of dynamic shared memory.

    * (launch_c1) the kernel is a function of this module, marked
      `cuda.kernel`, without results;
    * (launch_c2) it takes what the launch passes.

    ```mlir
    cuda.launch @rows_0 blocks(%n) threads 256 services(%s : !llvm.ptr) args(%m : memref<?xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Index:$blocks,
                       I32Attr:$threads,
                       DefaultValuedAttr<I32Attr, "0">:$shared_bytes,
                       LLVM_AnyPointer:$services,
                       Variadic<AnyType>:$captures);
  let assemblyFormat = [{
    $kernel `blocks` `(` $blocks `)` `threads` $threads
    (`shared` $shared_bytes^)? `services` `(` $services `:` type($services) `)`
    (`args` `(` $captures^ `:` type($captures) `)`)? attr-dict
  }];
}

def Cuda_MultiplyTilesOp : Op<Cuda_Dialect, "multiply_tiles",
    [AttrSizedOperandSegments, NoTerminator, SingleBlock]> {
  let summary = "tiles of a grouped matrix product, by tensor cores";
  let description = [{
    Stands in a parallel loop whose iterations are thread blocks; the blocks share
    the tiles of the product. With `T` the element type of the left side and the
    weights, bf16 or f32:

    `acc_p[r, n] = sum over k of lhs[source(r), k] * rhs_p[e, n, k]` in f32 for
    each row `r` of each group `e`, where the source of a row is its token with
    `gather`, else the row. Without tables there is one group of `rows` rows. The
    region is run for each element by one thread; it takes group, row, token,
    slot, column and the sums, and stores what it makes.

    * (multiply_tiles_c1) all buffers are dense; depth and columns are static;
    * (multiply_tiles_c2) a row of the left side is a multiple of 16 bytes;
    * (multiply_tiles_c3) there are one or two weights.

    `tile` is the number of warps one above the other, of the eight of a block,
    and the rows and columns of a warp's tile in blocks of 16 x 8.

    ```mlir
    cuda.multiply_tiles lhs(%x : memref<?x32xbf16>) rhs(%w : memref<8x48x32xbf16>)
      groups(%n) rows(%rows) tables(%o, %t, %s : memref<9xi32>, memref<?xi32>, memref<?xi32>)
      tile [2, 4, 8] gather {
    ^bb0(%e: index, %r: index, %token: index, %slot: index, %column: index, %sum: f32):
      memref.store %sum, %y[%r, %column] : memref<?x48xf32>
    }
    ```
  }];
  let arguments = (ins AnyMemRef:$lhs, Variadic<AnyMemRef>:$rhs,
                       Index:$num_groups, Index:$rows,
                       Variadic<AnyMemRef>:$tables,
                       DenseI64ArrayAttr:$tile, UnitAttr:$gather);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `lhs` `(` $lhs `:` type($lhs) `)` `rhs` `(` $rhs `:` type($rhs) `)`
    `groups` `(` $num_groups `)` `rows` `(` $rows `)`
    (`tables` `(` $tables^ `:` type($tables) `)`)?
    `tile` $tile (`gather` $gather^)? attr-dict-with-keyword $epilogue
  }];
  let extraClassDeclaration = [{
    /// Rows and columns (of each weight) of a tile, and the shared memory that
    /// its copies take.
    int64_t getTileRows() { return 16 * getTile()[0] * getTile()[1]; }
    int64_t getTileColumns() { return 8 * getTile()[2] * (8 / getTile()[0]); }
    int64_t getSharedBytes() {
      return 4 * 64 * (getTileRows() + int64_t(getRhs().size()) * getTileColumns());
    }
  }];
  let hasVerifier = 1;
}

#endif // MOEC_CODEGEN_CUDA_CUDA_TD
