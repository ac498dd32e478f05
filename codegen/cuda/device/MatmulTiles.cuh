// Matrix products on tensor cores, from sm_80 on.
inline __device__ U32 sharedAddress(const void *pointer) {
  return U32(__cvta_generic_to_shared(pointer));
}
/// Copies 16 bytes, or zeros where `isThere` is false.
inline __device__ void copyAsync(U32 to, const void *from, bool isThere) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to),
               "l"(from), "r"(isThere ? 16 : 0)
               : "memory");
}
/// Four squares of 8 rows of 16 bytes, each row at the address that a lane
/// gives: lane l gets word l % 4 of row l / 4 of each.
inline __device__ void loadMatrices(U32 (&to)[4], U32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}
inline __device__ void multiplyBf16(float (&sum)[4], const U32 (&x)[4], U32 y0,
                                    U32 y1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
               "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
               : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y0), "r"(y1));
}
inline __device__ void multiplyTf32(float (&sum)[4], const U32 (&x)[4], U32 y0,
                                    U32 y1) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
               "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
               : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y0), "r"(y1));
}

/// Fragments as mma takes them, and what they add to a sum.
template <typename T> struct Fragment;
template <> struct Fragment<Bf16> {
  U32 bits[4];
  __device__ void load(U32 address) { loadMatrices(bits, address); }
  __device__ void multiply(float (&sum)[4], const Fragment &y, int j) const {
    multiplyBf16(sum, bits, y.bits[2 * j], y.bits[2 * j + 1]);
  }
};
/// f32 as the sum of two tf32. The product of the low parts is left out.
template <> struct Fragment<float> {
  U32 high[4], low[4];
  __device__ void load(U32 address) {
    loadMatrices(high, address);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float value = __int_as_float(high[i]);
      high[i] &= 0xffffe000;
      low[i] = __float_as_int(value - __int_as_float(high[i]));
    }
  }
  __device__ void multiply(float (&sum)[4], const Fragment &y, int j) const {
    multiplyTf32(sum, low, y.high[2 * j], y.high[2 * j + 1]);
    multiplyTf32(sum, high, y.low[2 * j], y.low[2 * j + 1]);
    multiplyTf32(sum, high, y.high[2 * j], y.high[2 * j + 1]);
  }
};

/// A tile is 64 bytes deep. Eight warps, kWarpRows of them one above the other,
/// make kBlockRows x kBlockColumns blocks of 16 x 8 each, of every part.
template <typename T, int kParts, int kWarpRows, int kBlockRows,
          int kBlockColumns>
struct TileShape {
  using Element = T;
  static constexpr int parts = kParts, warpRows = kWarpRows,
                       blockRows = kBlockRows, blockColumns = kBlockColumns,
                       rows = 16 * kBlockRows * kWarpRows,
                       columns = 8 * kBlockColumns * (8 / kWarpRows),
                       stages = 4, stageBytes = 64 * (rows + kParts * columns);
  static_assert(kBlockColumns % 2 == 0 && columns % 64 == 0, "");
};

/// The four pieces of 16 bytes of a row are permuted, so that eight rows of one
/// piece lie in different banks.
inline __device__ int placeOf(int row, int piece) {
  return row * 64 + ((piece ^ (row >> 1 & 3)) << 4);
}

/// An entry, or `otherwise` where there is no table.
inline __device__ int entryOf(const int *table, int at, int) {
  return table[at];
}
inline __device__ int entryOf(decltype(nullptr), int, int otherwise) {
  return otherwise;
}

/// epilogue(group, row, token, slot, column, sums..) for each row r of each
/// group, where sums[p] = sum over k of lhs[source][k] weights[p][group]
/// [column][k], of kDepth elements, and the source of r is its token or r
/// itself. Rows of group e are those from offsets[e] to offsets[e + 1]; where the
/// tables are null the group is 0 and there are `rows`. Addresses and kDepth elements
/// are multiples of 16 bytes.
template <typename Shape, bool kGathers, int kDepth, int kColumns,
          typename Table, typename Epilogue>
__device__ __forceinline__ void
multiplyTiles(const typename Shape::Element *lhs,
              const typename Shape::Element *const (&weights)[Shape::parts],
              int groups, int rows, Table offsets, Table tokens, Table slots,
              Epilogue epilogue) {
  using T = typename Shape::Element;
  constexpr int kRowBytes = kDepth * int(sizeof(T));
  constexpr int kSteps = (kRowBytes + 63) / 64;
  constexpr int kColumnTiles = (kColumns + Shape::columns - 1) / Shape::columns;
  constexpr int kCopiesA = (Shape::rows + 63) / 64;
  constexpr int kCopiesB = Shape::columns / 64;
  extern __shared__ __align__(128) char tiles[];
  const U32 shared = sharedAddress(tiles);
  const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
  const int warpRow = warp % Shape::warpRows * Shape::blockRows * 16;
  const int warpColumn = warp / Shape::warpRows * Shape::blockColumns * 8;
  const int copyRow = thread >> 2, piece = thread & 3;
  const U32 copyTo = shared + placeOf(copyRow, piece);
  const U32 readA = shared + (warpRow + (lane & 15)) * 64;
  const U32 readB =
      shared +
      (Shape::rows + warpColumn + (lane & 7) + (lane >> 4 << 3)) * 64;
  const int swizzle = lane >> 1 & 3;

  int group = 0, before = 0;
  for (int tile = blockIdx.x;; tile += gridDim.x) {
    int first, end, rowTiles;
    while (true) {
      if (group == groups)
        return;
      first = entryOf(offsets, group, 0);
      end = entryOf(offsets, group + 1, rows);
      rowTiles = (end - first + Shape::rows - 1) / Shape::rows;
      if (tile < before + rowTiles * kColumnTiles)
        break;
      before += rowTiles * kColumnTiles;
      ++group;
    }
    const int firstRow = first + (tile - before) % rowTiles * Shape::rows;
    const int firstColumn = (tile - before) / rowTiles * Shape::columns;

    const char *fromA[kCopiesA], *fromB[Shape::parts];
    bool isRow[kCopiesA];
#pragma unroll
    for (int i = 0; i < kCopiesA; ++i) {
      const int row = firstRow + copyRow + 64 * i;
      isRow[i] = row < end;
      const Index source = !isRow[i] ? 0 : kGathers ? entryOf(tokens, row, row) : row;
      fromA[i] = (const char *)(lhs + source * kDepth) + piece * 16;
    }
#pragma unroll
    for (int p = 0; p < Shape::parts; ++p)
      fromB[p] =
          (const char *)(weights[p] +
                         (Index(group) * kColumns + firstColumn + copyRow) *
                             kDepth) +
          piece * 16;
    auto load = [&](int step) {
      if (step < kSteps) {
        const bool isInside =
            kRowBytes % 64 == 0 || step * 64 + piece * 16 < kRowBytes;
        const U32 to = copyTo + step % Shape::stages * Shape::stageBytes;
#pragma unroll
        for (int i = 0; i < kCopiesA; ++i) {
          if (Shape::rows >= 64 || copyRow < Shape::rows)
            copyAsync(to + 64 * 64 * i, fromA[i], isRow[i] && isInside);
          fromA[i] += 64;
        }
#pragma unroll
        for (int p = 0; p < Shape::parts; ++p) {
#pragma unroll
          for (int i = 0; i < kCopiesB; ++i)
            copyAsync(to + 64 * (Shape::rows + p * Shape::columns + 64 * i),
                      fromB[p] + Index(64 * i) * kRowBytes,
                      isInside &&
                          (kColumns % Shape::columns == 0 ||
                           firstColumn + copyRow + 64 * i < kColumns));
          fromB[p] += 64;
        }
      }
      asm volatile("cp.async.commit_group;" ::: "memory");
    };

    float sums[Shape::parts][Shape::blockRows][Shape::blockColumns][4] = {};
#pragma unroll
    for (int step = 0; step < Shape::stages - 1; ++step)
      load(step);
    auto multiply = [&](int step) {
      const U32 stage = step % Shape::stages * Shape::stageBytes;
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        // In mma, the rows of x are 16 and the columns of y 8: its squares in
        // the order of rows, then depth; of two y in the order of depth.
        const U32 atA = stage + ((2 * k + (lane >> 4)) ^ swizzle) * 16;
        const U32 atB = stage + ((2 * k + (lane >> 3 & 1)) ^ swizzle) * 16;
        Fragment<T> x[Shape::blockRows];
#pragma unroll
        for (int i = 0; i < Shape::blockRows; ++i)
          x[i].load(readA + atA + 16 * 64 * i);
#pragma unroll
        for (int p = 0; p < Shape::parts; ++p)
#pragma unroll
          for (int j = 0; j < Shape::blockColumns; j += 2) {
            Fragment<T> y;
            y.load(readB + atB + 64 * (p * Shape::columns + 8 * j));
#pragma unroll
            for (int i = 0; i < Shape::blockRows; ++i) {
              x[i].multiply(sums[p][i][j], y, 0);
              x[i].multiply(sums[p][i][j + 1], y, 1);
            }
          }
      }
    };
    auto begin = [&](int step) {
      asm volatile("cp.async.wait_group %0;" ::"n"(Shape::stages - 2)
                   : "memory");
      __syncthreads();
      load(step + Shape::stages - 1);
    };
    // A branch inside of the loop would cost a copy of all sums.
    if (firstRow + warpRow < end && firstColumn + warpColumn < kColumns) {
#pragma unroll 1
      for (int step = 0; step < kSteps; ++step) {
        begin(step);
        multiply(step);
      }
    } else {
#pragma unroll 1
      for (int step = 0; step < kSteps; ++step)
        begin(step);
    }
    // The next tile's copies go where the last steps of this one are read.
    __syncthreads();

#pragma unroll
    for (int i = 0; i < 2 * Shape::blockRows; ++i) {
      const int row = firstRow + warpRow + 8 * i + (lane >> 2);
      if (row >= end)
        continue;
      const int token = entryOf(tokens, row, row);
      const int slot = entryOf(slots, row, 0);
#pragma unroll
      for (int j = 0; j < 2 * Shape::blockColumns; ++j) {
        const int column =
            firstColumn + warpColumn + j / 2 * 8 + (lane & 3) * 2 + j % 2;
        const int at = i % 2 * 2 + j % 2;
        if (column >= kColumns)
          continue;
        if constexpr (Shape::parts == 1)
          epilogue(group, row, token, slot, column, sums[0][i / 2][j / 2][at]);
        else
          epilogue(group, row, token, slot, column, sums[0][i / 2][j / 2][at],
                   sums[1][i / 2][j / 2][at]);
      }
    }
    // Lanes whose rows are not there waited for none.
    __syncwarp();
  }
}
