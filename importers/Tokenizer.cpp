// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Tokenizer.h"
#include "importers/Config.h"
#include "importers/Try.h"
#include "importers/gguf/Tokenizer.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace moec;
using llvm::Expected;
using llvm::StringRef;

/// eos_token_id of a configuration: a number or a list of them.
static Expected<std::vector<int64_t>> readEndIds(StringRef path) {
  Expected<Config> opened = Config::open(path);
  if (!opened)
    return opened.takeError();
  const Config &config = *opened;
  for (StringRef key : {"eos_token_id", "text_config.eos_token_id"}) {
    if (!config.has(key))
      continue;
    if (config.isList(key))
      return config.getNumbers(key);
    int64_t id = 0;
    MOEC_TRY(id, config.getSizeOr(key, 0, 0, int64_t(1) << 31));
    return std::vector<int64_t>{id};
  }
  return std::vector<int64_t>();
}

/// The tokenizer.json of a directory.
static Expected<std::string> readDirectory(StringRef path) {
  llvm::SmallString<256> file(path);
  llvm::sys::path::append(file, "tokenizer.json");
  if (!llvm::sys::fs::exists(file))
    return std::string();
  std::string text;
  MOEC_TRY(text, readTextFile(file));
  size_t brace = text.find('{');
  if (brace == std::string::npos)
    return llvm::createStringError(file.str() + ": expected a JSON object");

  std::vector<int64_t> ids;
  for (StringRef name : {"generation_config.json", "config.json"}) {
    llvm::SmallString<256> config(path);
    llvm::sys::path::append(config, name);
    if (ids.empty() && llvm::sys::fs::exists(config))
      MOEC_TRY(ids, readEndIds(config));
  }
  std::string field = "\"end_ids\": [";
  for (int64_t id : ids)
    field += (field.back() == '[' ? "" : ", ") + std::to_string(id);
  return text.insert(brace + 1, field + "], ");
}

Expected<std::string>
moec::readTokenizer(StringRef path,
                    llvm::function_ref<void(const std::string &)> warn) {
  if (llvm::sys::fs::is_directory(path))
    return readDirectory(path);
  if (llvm::sys::path::extension(path) == ".gguf")
    return gguf::readTokenizer(path, warn);
  return std::string();
}
