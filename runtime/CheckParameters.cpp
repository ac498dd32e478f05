// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/HeaderChecker.h"

#include <cinttypes>

using namespace moec::schema;

namespace moec::runtime {

static constexpr int64_t panelLanes = 16;

bool HeaderChecker::checkPanels(const Field &field,
                                const Parameter &parameter) {
  const auto &dims = *parameter.dims();
  int64_t parts = parameter.parts()->size();
  if (parts < 1 || parts > 2)
    return bad(field, "has %" PRId64 " parts, panels have 1 or 2", parts);
  bool blocks = parameter.encoding() == Encoding::block_panels;
  int64_t g = dims.size() == 5 ? dims.Get(4) : 0;
  if (dims.size() != 5 || dims.Get(3) != panelLanes ||
      (!blocks && g != 1 && g != 2 && g != 4))
    return bad(field, "has other dims than panels: expected [groups, panels, "
                      "steps, 16, 1 or 2 or 4]");
  if (blocks &&
      (!parameter.block() || parameter.block()->code() > BlockCode::MAX ||
       parameter.block()->dtype() > DataType::MAX))
    return bad(field, "has no known block format");
  int64_t columns = parameter.columns(), depth = parameter.depth();
  int64_t width = panelLanes / parts;
  // Written without sums, which could overflow.
  auto ceilDiv = [](int64_t a, int64_t b) { return a / b + (a % b != 0); };
  if (parameter.groups() != dims.Get(0) || columns < 0 || depth < 0 ||
      ceilDiv(columns, width) != dims.Get(1) ||
      (blocks ? dims.Get(2) < 1 || depth % dims.Get(2) != 0
              : ceilDiv(depth, g) != dims.Get(2)))
    return bad(field,
               "has groups, columns and depth %" PRId64 ", %" PRId64
               ", %" PRId64 ", which do not give its dims",
               parameter.groups(), columns, depth);
  if (blocks) {
    const BlockFormat &block = *parameter.block();
    bool wide =
        block.code() == BlockCode::int8 || block.code() == BlockCode::e4m3;
    int64_t size = dims.Get(2) ? depth / dims.Get(2) : 0;
    int64_t bytes = (wide ? size : size / 2) + (block.half_scales() ? 2 : 4) +
                    (block.has_offset() ? 4 : 0);
    if (size % 4 != 0 || bytes != g)
      return bad(field,
                 "has %" PRId64 " bytes in a block of %" PRId64
                 " elements, expected %" PRId64,
                 g, size, bytes);
  }
  for (uint32_t i = 0; i < parts; ++i) {
    const auto &shape = *parameter.parts()->Get(i)->dims();
    uint32_t rank = shape.size();
    if ((rank != 3 && !(rank == 2 && parameter.groups() == 1)) ||
        (rank == 3 && shape.Get(0) != parameter.groups()) ||
        shape.Get(rank - 2) != columns || shape.Get(rank - 1) != depth)
      return bad(field,
                 "has other dims in parts[%u] than [groups, columns, "
                 "depth]",
                 i);
  }
  return true;
}

bool HeaderChecker::checkParameters() {
  const auto &parameters = *header.parameters();
  if (!checkCount(at("parameters"), parameters.size(), maxEntries))
    return false;
  uint32_t lastSegment = 0;
  uint64_t lastEnd = 0;
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    const Parameter &parameter = *parameters.Get(i);
    uint64_t elements = 0, size = 0;
    if (!checkName(at("parameters[%u].name", i), parameter.name()) ||
        !checkDtype(at("parameters[%u].dtype", i), parameter.dtype()) ||
        !checkDims(at("parameters[%u].dims", i), *parameter.dims(), elements))
      return false;
    if (__builtin_mul_overflow(
            elements, uint64_t(moec_dtype_size(int32_t(parameter.dtype()))),
            &size) ||
        size != parameter.size())
      return bad(at("parameters[%u].size", i),
                 "is %" PRIu64 ", which does not match its dims and dtype",
                 parameter.size());

    if (parameter.segment() >= header.segments()->size() ||
        header.segments()->Get(parameter.segment())->kind() !=
            SegmentKind::weights)
      return bad(at("parameters[%u].segment", i),
                 "is %u, expected the position of a weights segment",
                 parameter.segment());
    uint64_t room = header.segments()->Get(parameter.segment())->size();
    uint64_t offset = parameter.offset();
    if (offset % parameterAlignment != 0 || offset > room ||
        size > room - offset)
      return bad(at("parameters[%u].offset", i),
                 "is %" PRIu64 " with size %" PRIu64
                 ", expected a multiple of %" PRIu64 " in a segment of %" PRIu64
                 " bytes",
                 offset, size, parameterAlignment, room);
    // In ascending order, so that none overlaps another.
    if (parameter.segment() < lastSegment ||
        (parameter.segment() == lastSegment && offset < lastEnd))
      return bad(at("parameters[%u].offset", i),
                 "is %" PRIu64 ", before the end of the parameter before it",
                 offset);
    lastSegment = parameter.segment();
    lastEnd = offset + size;

    if (parameter.encoding() > Encoding::MAX)
      return bad(at("parameters[%u].encoding", i), "is %d, at most %d is known",
                 int(parameter.encoding()), int(Encoding::MAX));
    const auto &parts = *parameter.parts();
    if (!checkCount(at("parameters[%u].parts", i), parts.size(), maxEntries))
      return false;
    for (uint32_t j = 0; j < parts.size(); ++j) {
      uint64_t partElements = 0;
      if (!checkName(at("parameters[%u].parts[%u].symbol", i, j),
                     parts.Get(j)->symbol()) ||
          !checkDims(at("parameters[%u].parts[%u].dims", i, j),
                     *parts.Get(j)->dims(), partElements))
        return false;
      if (parameter.encoding() == Encoding::row_major &&
          (parts.size() != 1 || partElements != elements))
        return bad(at("parameters[%u].parts", i),
                   "is not one part with as many elements as the parameter");
    }
    if (parameter.encoding() == Encoding::row_major && parts.size() != 1)
      return bad(at("parameters[%u].parts", i), "has %u entries, expected 1",
                 parts.size());
    if (parameter.encoding() != Encoding::row_major &&
        !checkPanels(at("parameters[%u]", i), parameter))
      return false;
  }
  return checkUnique(at("parameters"), parameters);
}

} // namespace moec::runtime
