// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Mutation.h"

#include <algorithm>
#include <map>
#include <random>
#include <regex>
#include <sstream>

using namespace moec::ptx;

namespace {
/// Lines that match become `after`, in which $1 is the first group; {+1} adds
/// one to the number before it.
struct Rule {
  const char *kind, *before, *after;
};
} // namespace

static const Rule rules[] = {
    // What orders threads and copies.
    {"barrier dropped", R"((bar|barrier)\.sync[^;]*;)", ""},
    {"warp barrier dropped", R"(bar\.warp\.sync[^;]*;)", ""},
    {"wait too shallow",
     R"((cp\.async\.wait_group|cp\.async\.bulk\.wait_group\.read|wgmma\.wait_group\.sync\.aligned) +(\d+);)",
     "$1 $2{+1};"},
    {"wait dropped", R"((cp\.async|wgmma)\.wait_(group|all)[^;]*;)", ""},
    {"commit dropped", R"((cp\.async|wgmma)\.commit_group[^;]*;)", ""},
    {"fence dropped", R"((fence\.proxy|wgmma\.fence)[^;]*;)", ""},
    {"arrival dropped", R"(mbarrier\.arrive[^;]*;)", ""},
    {"wrong transaction bytes", R"((mbarrier\.arrive\.expect_tx.*\], *\d+);)",
     "$1{+1};"},
    {"wrong parity", R"((mbarrier\.try_wait\.parity.*,) *%r\d+;)", "$1 0;"},
    // What is where.
    {"copy ignores its size", R"((cp\.async\.c[ag]\.[^;]*\], *16), *%r\d+;)",
     "$1;"},
    {"row shifted", R"((ldmatrix[^;]*\[%r\d+)(\+\d+)?\];)", "$1+16];"},
    {"swizzle changed", R"(xor\.b32(.*);)", "or.b32$1;"},
    {"offset changed",
     R"(((?:ld|st)\.(?:global|shared)[^;]*\[%\w+\+\d+)(\].*;))", "$1{+4}$2"},
    {"address off by an element",
     R"(((?:ld|st)\.(?:global|shared)\.\w+32[^;]*\[%\w+)(\].*;))", "$1+4$2"},
    {"stride doubled", R"((shl\.b(?:32|64)[^;]*, *\d+);)", "$1{+1};"},
    {"index scaled wrong", R"((mul\.wide\.[su]32[^;]*, *\d+);)", "$1{+2};"},
    // What is done under which condition.
    {"predicate dropped", R"(@!?%p\d+ ((?!bra).*;))", "$1"},
    {"branch dropped", R"(@!?%p\d+ bra[^;]*;)", ""},
    {"bound off by one", R"(setp\.lt(\.[su](?:32|64).*;))", "setp.le$1"},
    {"bound off by one", R"(setp\.ge(\.[su](?:32|64).*;))", "setp.gt$1"},
    {"bound off by one", R"(setp\.gt(\.[su](?:32|64).*;))", "setp.ge$1"},
    {"choice swapped", R"((selp\.\w+[^;]*), *([^,;]+), *([^,;]+), *(%p\d+);)",
     "$1, $3, $2, $4;"},
    // What is computed.
    {"fragments swapped",
     R"((mma\.sync.*\}, *\{.*\}, *)\{(\S+), *(\S+)\}(, *\{.*;))",
     "$1{$3, $2}$4"},
    {"sum dropped", R"(fma\.rn\.f32([^;]*,[^;]*,[^;]*),[^;,]*;)", "mul.f32$1;"},
    {"difference as sum", R"(sub\.f32(.*;))", "add.f32$1"},
    {"maximum as minimum", R"(max\.f32(.*;))", "min.f32$1"},
    {"wrong lane", R"((shfl\.sync\.\w+\.b32[^;,]*,[^;,]*, *\d+)(,.*;))",
     "$1{+1}$2"},
    {"atomic of two", R"((atom\..*, *\d+);)", "$1{+1};"},
};

/// Replaces "16{+1}" by "17".
static std::string addNumbers(std::string text) {
  static const std::regex form(R"((\d+)\{\+(\d+)\})");
  std::smatch match;
  while (std::regex_search(text, match, form))
    text = match.prefix().str() +
           std::to_string(std::stoll(match[1]) + std::stoll(match[2])) +
           match.suffix().str();
  return text;
}

std::vector<Mutation> moec::ptx::findMutations(std::string_view ptx) {
  std::vector<std::pair<std::regex, const Rule *>> compiled;
  for (const Rule &rule : rules)
    compiled.push_back({std::regex(rule.before), &rule});
  static const std::regex entry(R"(\.entry (\w+))");
  std::vector<Mutation> found;
  std::istringstream lines{std::string(ptx)};
  std::string line, kernel;
  for (unsigned number = 1; std::getline(lines, line); ++number) {
    std::smatch match;
    if (std::regex_search(line, match, entry))
      kernel = match[1];
    if (line.find(';') == line.npos || line.find(".reg") != line.npos ||
        line.find(".param") != line.npos)
      continue;
    for (const auto &[before, rule] : compiled) {
      std::string after = addNumbers(
          std::regex_replace(line, before, std::string(rule->after)));
      if (after != line)
        found.push_back({kernel, number, rule->kind, line, after});
    }
  }
  return found;
}

std::string moec::ptx::mutate(std::string_view ptx, const Mutation &mutation) {
  size_t begin = 0;
  for (unsigned line = 1; line < mutation.line; ++line)
    begin = ptx.find('\n', begin) + 1;
  std::string text(ptx);
  return text.replace(begin, mutation.before.size(), mutation.after);
}

std::vector<Mutation> moec::ptx::draw(std::vector<Mutation> mutations,
                                      size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::shuffle(mutations.begin(), mutations.end(), random);
  std::map<std::string, unsigned> seen;
  std::vector<std::pair<unsigned, size_t>> order;
  for (size_t i = 0; i < mutations.size(); ++i)
    order.push_back({seen[mutations[i].kind]++, i});
  std::sort(order.begin(), order.end());
  std::vector<Mutation> drawn;
  for (size_t i = 0; i < std::min(count, order.size()); ++i)
    drawn.push_back(mutations[order[i].second]);
  return drawn;
}
