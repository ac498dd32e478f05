// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async.bulk to shared memory: bytes, and tiles of tensors.

#include "test/ptx/Machine.h"
#include "test/ptx/TensorMap.h"

#include <algorithm>
#include <cstring>

using namespace moec::ptx;

bool Block::landBulk(uint64_t barrier) {
  auto it = std::find_if(
      bulkCopies.begin(), bulkCopies.end(),
      [&](const BulkCopy &copy) { return copy.barrier == barrier; });
  if (it == bulkCopies.end())
    return false;
  BulkCopy copy = std::move(*it);
  bulkCopies.erase(it);
  for (size_t i = 0; i < copy.to.size(); ++i) {
    SharedByte &b = shared[copy.to[i]];
    b.value = copy.value[i];
    b.written = copy.written[i];
    b.inFlight = false;
  }
  Mbarrier &m = mbarriers[barrier];
  m.clocks[copy.agent] = std::max(m.clocks[copy.agent], copy.clock);
  progress(m, 0, -int64_t(copy.to.size()));
  return true;
}

/// Takes the bytes of shared memory from the warps until the copy lands.
static void start(Warp &warp, unsigned lane, BulkCopy copy) {
  Block &block = *warp.block;
  auto it = block.mbarriers.find(copy.barrier);
  if (it == block.mbarriers.end())
    return block.fail(warp, lane,
                      "no mbarrier was initialised at shared address " +
                          std::to_string(copy.barrier));
  copy.agent = it->second.agent;
  copy.clock = ++it->second.agentClock;
  for (uint32_t to : copy.to) {
    if (!block.touchShared(warp, lane, to, 1, Access::Write))
      return;
    SharedByte &b = block.shared[to];
    b.inFlight = true;
    b.writer = copy.agent;
    b.clock = copy.clock;
  }
  uint64_t barrier = copy.barrier;
  block.bulkCopies.push_back(std::move(copy));
  while (!block.launch.options.schedule.lazyCopies && block.landBulk(barrier))
    ;
}

/// Adds bytes of global memory to a copy; false after fail().
static bool append(Warp &warp, unsigned lane, BulkCopy &copy, uint64_t from,
                   size_t bytes) {
  Launch &launch = warp.block->launch;
  const Allocation *a = launch.device.find(from, bytes);
  if (!a) {
    warp.block->fail(warp, lane,
                     "cp.async.bulk reads out of bounds: " +
                         launch.device.describe(from, bytes));
    return false;
  }
  uint64_t at = from - a->base;
  copy.value.insert(copy.value.end(), &a->bytes[at], &a->bytes[at] + bytes);
  copy.written.insert(copy.written.end(), &a->written[at],
                      &a->written[at] + bytes);
  countAccess(launch, Space::Global, 1, &from, bytes, false);
  return true;
}

/// The tile at `corner`; what is outside of the tensor is zero.
static void copyTile(Warp &warp, unsigned lane, uint64_t to, uint64_t mapAt,
                     std::vector<int32_t> corner, uint64_t barrier) {
  Block &block = *warp.block;
  EncodedTensorMap encoded;
  TensorMap map;
  if (mapAt % 64 || to % 128)
    return block.fail(warp, lane,
                      mapAt % 64 ? "the tensor map is not aligned to 64 bytes"
                                 : "the tile is not aligned to 128 bytes");
  for (unsigned i = 0; i < sizeof(encoded); i += 16)
    if (!block.read(warp, lane, Space::Generic, mapAt + i, 16,
                    encoded.bytes + i))
      return;
  if (std::string error = decode(encoded, map); !error.empty())
    return block.fail(warp, lane, error);
  if (map.rank != corner.size())
    return block.fail(warp, lane,
                      "tensor map of rank " + std::to_string(map.rank) +
                          ", expected " + std::to_string(corner.size()));
  unsigned size = bytesOf(map.element), span = 16u << unsigned(map.swizzle);
  BulkCopy copy;
  copy.barrier = barrier;
  uint64_t count = 1;
  for (unsigned i = 0; i < map.rank; ++i)
    count *= map.box[i];
  for (uint64_t n = 0; n < count; ++n) {
    uint64_t from = map.base, left = n;
    bool inside = true;
    for (unsigned i = 0; i < map.rank; ++i) {
      int64_t at =
          corner[i] + int64_t(left % map.box[i]) * map.elementStrides[i];
      left /= map.box[i];
      inside &= at >= 0 && uint64_t(at) < map.dims[i];
      from += at * (i ? map.strides[i - 1] : size);
    }
    for (unsigned i = 0; i < size; ++i)
      copy.to.push_back(swizzle(to + n * size + i, span));
    if (inside) {
      if (!append(warp, lane, copy, from, size))
        return;
    } else {
      copy.value.resize(copy.value.size() + size, map.fillNan ? 0xff : 0);
      copy.written.resize(copy.written.size() + size, 1);
    }
  }
  start(warp, lane, std::move(copy));
}

Execute moec::ptx::decodeBulk(const Statement &s) {
  std::vector<std::string> w = s.opcode;
  if (w.size() < 4 || w[0] != "cp" || w[1] != "async" || w[2] != "bulk")
    return {};
  const std::vector<Operand> &o = s.operands;
  bool hint = std::erase(w, "L2::cache_hint");
  std::erase(w, "tile");
  bool isTensor = std::erase(w, "tensor");
  unsigned rank = 0;
  if (isTensor && w.size() > 3 && w[3].size() == 2 && w[3][1] == 'd') {
    rank = w[3][0] - '0';
    w.erase(w.begin() + 3);
  }
  if (w.size() != 6 || (w[3] != "shared::cluster" && w[3] != "shared::cta") ||
      w[4] != "global" || w[5] != "mbarrier::complete_tx::bytes")
    return {};
  for (size_t i = 0; i < o.size() - hint; ++i)
    if (o[i].kind != Operand::Address && (isTensor || i != 2))
      return {};
  if (!isTensor && o.size() == 4u + hint)
    return [=](Warp &warp, uint32_t mask) {
      for (unsigned l = 0; l < 32; ++l) {
        if (!(mask >> l & 1))
          continue;
        uint64_t to = operandValue(warp, o[0], l),
                 from = operandValue(warp, o[1], l),
                 bytes = operandValue(warp, o[2], l);
        if (to % 16 || from % 16 || bytes % 16)
          return warp.block->fail(warp, l, "cp.async.bulk is misaligned");
        BulkCopy copy;
        copy.barrier = operandValue(warp, o[3], l);
        for (uint64_t i = 0; i < bytes; ++i)
          copy.to.push_back(to + i);
        if (!append(warp, l, copy, from, bytes))
          return;
        start(warp, l, std::move(copy));
      }
    };
  if (!isTensor || o.size() != 3u + hint || o[1].elements.size() != rank)
    return {};
  return [=](Warp &warp, uint32_t mask) {
    for (unsigned l = 0; l < 32 && warp.block->error.empty(); ++l) {
      if (!(mask >> l & 1))
        continue;
      std::vector<int32_t> corner;
      for (const Operand &c : o[1].elements)
        corner.push_back(operandValue(warp, c, l));
      copyTile(warp, l, operandValue(warp, o[0], l),
               operandValue(warp, o[1], l), corner,
               operandValue(warp, o[2], l));
    }
  };
}
