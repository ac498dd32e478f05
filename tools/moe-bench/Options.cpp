// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/Options.h"
#include <charconv>

namespace moec::bench {

const char *const usage =
    "usage: moe-bench OUT.moe [options]\n"
    "  --function=NAME      only this function (default: all)\n"
    "  --tokens=1,8,512     numbers of tokens (default: 1,8,512,2048)\n"
    "  --routing=KIND       uniform, zipf, hot or trace:FILE, a text file "
    "with\n"
    "                       the expert ids of one token a line\n"
    "  --format=md|csv|json json is Google Benchmark's schema\n"
    "  --threads=N          default: all processors\n"
    "  --check-model        print what the cost model predicts, with the "
    "roofs\n"
    "                       of this run, over what is measured\n";

/// A whole number from 1 to `limit`, or 0.
static int64_t parseNumber(const std::string &text, int64_t limit) {
  int64_t value = 0;
  const char *end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, value);
  bool good =
      error == std::errc() && rest == end && value >= 1 && value <= limit;
  return good ? value : 0;
}

static std::string parseTokens(const std::string &list,
                               std::vector<int64_t> &tokens) {
  tokens.clear();
  for (size_t begin = 0; begin <= list.size();) {
    size_t comma = std::min(list.find(',', begin), list.size());
    int64_t count = parseNumber(list.substr(begin, comma - begin), 1 << 24);
    if (!count)
      return "--tokens=" + list + ": expected numbers of at least 1";
    tokens.push_back(count);
    begin = comma + 1;
  }
  return "";
}

static std::string parseFormat(const std::string &name, Format &format) {
  if (name == "md")
    format = Format::Markdown;
  else if (name == "csv")
    format = Format::Csv;
  else if (name == "json")
    format = Format::Json;
  else
    return "--format=" + name + ": expected md, csv or json";
  return "";
}

/// One word that begins with "-".
static std::string parseOption(const std::string &word, Options &options) {
  size_t equals = std::min(word.find('='), word.size());
  std::string name = word.substr(0, equals);
  std::string value = equals < word.size() ? word.substr(equals + 1) : "";
  if (name == "--tokens")
    return parseTokens(value, options.tokens);
  if (name == "--routing")
    return options.routing.parse(value);
  if (name == "--format")
    return parseFormat(value, options.format);
  if (name == "--function") {
    options.function = value;
    return "";
  }
  if (name == "--threads") {
    options.threads = uint32_t(parseNumber(value, 1024));
    return options.threads ? "" : word + ": expected a number from 1 to 1024";
  }
  if (word == "--check-model") {
    options.checkModel = true;
    return "";
  }
  return "unknown option " + word;
}

std::string parseOptions(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    std::string wrong;
    if (word == "--help" || word == "-h")
      options.help = true;
    else if (word.size() > 1 && word[0] == '-')
      wrong = parseOption(word, options);
    else if (options.artifact.empty())
      options.artifact = word;
    else
      wrong = "one artifact expected, found also " + word;
    if (!wrong.empty())
      return wrong;
  }
  return options.artifact.empty() && !options.help ? "no artifact given" : "";
}

} // namespace moec::bench
