// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every way to call the C interface with null, stale or mismatched things: an
// error with a text, and nothing is written. SessionTest has wrong tensors.

#include "test/runtime/TestArtifact.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

using namespace moec;
using namespace moec::test;

namespace {

/// Hands out memory and takes none back, so that destroyed objects may be read.
struct KeptMemory {
  std::vector<void *> blocks;
  ~KeptMemory() {
    for (void *block : blocks)
      free(block);
  }
  static void *allocate(void *host, uint64_t size, uint64_t alignment) {
    void *block = aligned_alloc(alignment < 64 ? 64 : alignment,
                                (size + 63) / 64 * 64 + 64);
    static_cast<KeptMemory *>(host)->blocks.push_back(block);
    return block;
  }
  static void deallocate(void *, void *, uint64_t) {}

  moec_context_options options() {
    moec_context_options options = {};
    options.struct_size = sizeof(options);
    options.threads = 1;
    options.host = this;
    options.allocate = allocate;
    options.deallocate = deallocate;
    return options;
  }
};

struct WrongCalls : testing::Test {
  KeptMemory kept;
  Context context = makeContext(kept.options());
  Image image = scaleImage();
  moec_error error = {};
  Module module = load(context.get(), image, error);
  Session session = makeSession(module.get());
  const moec_function *function =
      moec_module_find_function(module.get(), "scale");
  std::vector<float> x = std::vector<float>(10, 1), y = std::vector<float>(10);
  View input{x, {2, 5}}, output{y, {2, 5}};
  const DLTensor *arguments[1] = {&input.tensor};
  const DLTensor *results[1] = {&output.tensor};
  alignas(64) char workspace[1024];

  std::string call(moec_session *in, const moec_function *of,
                   const DLTensor *const *from, const DLTensor *const *to,
                   void *space = nullptr) {
    error.text[0] = 0;
    EXPECT_EQ(moec_session_call(in, of, from, 1, to, 1,
                                space ? space : workspace, sizeof(workspace),
                                &error),
              MOEC_BAD_ARGUMENT);
    // Without a place for the text, too.
    EXPECT_EQ(moec_session_call(in, of, from, 1, to, 1,
                                space ? space : workspace, sizeof(workspace),
                                nullptr),
              MOEC_BAD_ARGUMENT);
    for (float value : y)
      EXPECT_EQ(value, 0);
    return error.text;
  }
};

TEST_F(WrongCalls, NullPlaces) {
  EXPECT_EQ(call(nullptr, function, arguments, results),
            "the session is null or was destroyed");
  EXPECT_EQ(call(session.get(), nullptr, arguments, results),
            "memory: the function is null or of another module than the "
            "session's");
  EXPECT_EQ(call(session.get(), function, nullptr, results),
            "scale: the table of arguments is null");
  EXPECT_EQ(call(session.get(), function, arguments, nullptr),
            "scale: the table of results is null");
  const DLTensor *none[] = {nullptr};
  EXPECT_EQ(call(session.get(), function, none, results),
            "scale: argument 'x' is null");
  EXPECT_EQ(call(session.get(), function, arguments, none),
            "scale: result 'y' is null");
  input.tensor.shape = nullptr;
  EXPECT_EQ(call(session.get(), function, arguments, results),
            "scale: argument 'x' has no shape");
}

TEST_F(WrongCalls, NullHandles) {
  moec_module *loaded;
  moec_session *made;
  int64_t number;
  EXPECT_EQ(moec_context_create(nullptr, nullptr, &error), MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_context_num_workers(nullptr), 0u);
  moec_services services = {};
  EXPECT_EQ(moec_context_get_services(context.get(), &services),
            MOEC_BAD_ARGUMENT);
  services.struct_size = sizeof(services);
  EXPECT_EQ(moec_context_get_services(nullptr, &services), MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_context_get_services(context.get(), nullptr),
            MOEC_BAD_ARGUMENT);
  EXPECT_EQ(services.parallel_for, nullptr);
  EXPECT_EQ(moec_module_load_file(nullptr, "x", nullptr, &loaded, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "the context is null or was destroyed");
  EXPECT_EQ(
      moec_module_load_file(context.get(), nullptr, nullptr, &loaded, &error),
      MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "the path is null");
  EXPECT_EQ(moec_module_load_file(context.get(), "x", nullptr, nullptr, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_module_load_memory(context.get(), nullptr, 64, nullptr,
                                    &loaded, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_session_create(nullptr, &made, &error), MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "the module is null or was destroyed");
  EXPECT_EQ(moec_session_create(module.get(), nullptr, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_session_fork(nullptr, &made, &error), MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_session_length(nullptr), 0);
  EXPECT_EQ(moec_session_truncate(nullptr, 0, &error), MOEC_BAD_ARGUMENT);
  moec_session_reset(nullptr);
  moec_session_set_tap(nullptr, nullptr, nullptr);
  EXPECT_EQ(moec_session_set_parameter(nullptr, "scale", &input.tensor, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_EQ(
      moec_session_set_parameter(session.get(), nullptr, &input.tensor, &error),
      MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_session_get_parameter(session.get(), "scale", nullptr, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "memory: parameter 'scale' is null");
  EXPECT_EQ(
      moec_function_workspace_size(nullptr, arguments, 1, &number, &error),
      MOEC_BAD_ARGUMENT);
  EXPECT_EQ(
      moec_function_workspace_size(function, arguments, 1, nullptr, &error),
      MOEC_BAD_ARGUMENT);
  EXPECT_EQ(
      moec_function_result_shape(nullptr, arguments, 1, 0, &number, &error),
      MOEC_BAD_ARGUMENT);
  EXPECT_EQ(
      moec_function_result_shape(function, arguments, 1, 0, nullptr, &error),
      MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_session_workspace_size(nullptr, function, arguments, 1,
                                        &number, &error),
            MOEC_BAD_ARGUMENT);

  moec_module_info info = {};
  info.struct_size = sizeof(info);
  EXPECT_EQ(moec_module_get_info(nullptr, &info), MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_module_get_info(module.get(), nullptr), MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_module_get_function(nullptr, 0), nullptr);
  EXPECT_EQ(moec_module_find_function(nullptr, "scale"), nullptr);
  EXPECT_EQ(moec_module_find_function(module.get(), nullptr), nullptr);
  moec_function_info what = {};
  what.struct_size = sizeof(what);
  EXPECT_EQ(moec_function_get_info(nullptr, &what), MOEC_BAD_ARGUMENT);
  moec_tensor_info tensor = {};
  tensor.struct_size = sizeof(tensor);
  EXPECT_EQ(moec_function_get_argument(nullptr, 0, &tensor), MOEC_BAD_ARGUMENT);
  EXPECT_EQ(moec_function_get_result(function, 0, nullptr), MOEC_BAD_ARGUMENT);
}

TEST_F(WrongCalls, StaleHandles) {
  moec_session *staleSession = session.release();
  moec_session_destroy(staleSession);
  EXPECT_EQ(call(staleSession, function, arguments, results),
            "the session is null or was destroyed");
  moec_session_destroy(staleSession); // the second time, nothing happens

  moec_session *orphan = makeSession(module.get()).release();
  moec_module *staleModule = module.release();
  moec_module_destroy(staleModule);
  EXPECT_EQ(call(orphan, function, arguments, results),
            "the session's module is null or was destroyed");
  moec_session *made = nullptr;
  EXPECT_EQ(moec_session_create(staleModule, &made, &error), MOEC_BAD_ARGUMENT);
  EXPECT_EQ(made, nullptr);
  int64_t size = -7;
  EXPECT_EQ(moec_function_workspace_size(function, arguments, 1, &size, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "the function's module is null or was destroyed");
  EXPECT_EQ(size, -7);
  EXPECT_EQ(moec_module_find_function(staleModule, "scale"), nullptr);
  moec_module_destroy(staleModule);

  moec_context *staleContext = context.release();
  moec_context_destroy(staleContext);
  moec_module *loaded = nullptr;
  EXPECT_EQ(moec_module_load_memory(staleContext, image.data(), image.size(),
                                    nullptr, &loaded, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "the context is null or was destroyed");
  EXPECT_EQ(loaded, nullptr);
  moec_context_destroy(staleContext);
}

TEST_F(WrongCalls, ANumberThatIsNoFunction) {
  auto *inside = reinterpret_cast<const moec_function *>(
      reinterpret_cast<const char *>(function) + 8);
  for (const moec_function *wrong :
       {inside, reinterpret_cast<const moec_function *>(workspace)})
    EXPECT_EQ(call(session.get(), wrong, arguments, results),
              "memory: the function is null or of another module than the "
              "session's");
}

/// Options of a caller with another idea of the struct's size.
template <typename Options> struct Sized {
  Options options = {};
  char more[64] = {};
  explicit Sized(uint32_t size) { options.struct_size = size; }
};

TEST_F(WrongCalls, StructSizes) {
  moec_context *made = nullptr;
  for (uint32_t size : {0u, 3u, 5000u, ~0u}) {
    Sized<moec_context_options> wrong(size);
    EXPECT_EQ(moec_context_create(&wrong.options, &made, &error),
              MOEC_BAD_ARGUMENT);
    EXPECT_EQ(std::string(error.text),
              "moec_context_options.struct_size is " + std::to_string(size) +
                  ", expected sizeof(moec_context_options)");
    Sized<moec_module_options> wrongModule(size);
    moec_module *loaded = nullptr;
    EXPECT_EQ(moec_module_load_memory(context.get(), image.data(), image.size(),
                                      &wrongModule.options, &loaded, &error),
              MOEC_BAD_ARGUMENT);
    Sized<moec_session_options> wrongSession(size);
    moec_session *opened = nullptr;
    EXPECT_EQ(moec_session_create_with_options(
                  module.get(), &wrongSession.options, &opened, &error),
              MOEC_BAD_ARGUMENT);
    EXPECT_FALSE(made || loaded || opened);
  }
  // A newer caller may set only what is known here.
  Sized<moec_session_options> newer(sizeof(moec_session_options) + 8);
  moec_session *opened = nullptr;
  EXPECT_EQ(moec_session_create_with_options(module.get(), &newer.options,
                                             &opened, &error),
            MOEC_OK);
  moec_session_destroy(opened);
  newer.more[3] = 1;
  opened = nullptr;
  EXPECT_EQ(moec_session_create_with_options(module.get(), &newer.options,
                                             &opened, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "moec_session_options sets a member at byte 19, "
                           "which this runtime does not know: it has 16 bytes "
                           "here");
  moec_session_options sizes = {sizeof(sizes), 1, nullptr};
  EXPECT_EQ(
      moec_session_create_with_options(module.get(), &sizes, &opened, &error),
      MOEC_BAD_ARGUMENT);
  moec_size noSymbol = {nullptr, 4};
  sizes.sizes = &noSymbol;
  EXPECT_EQ(
      moec_session_create_with_options(module.get(), &sizes, &opened, &error),
      MOEC_BAD_ARGUMENT);
  EXPECT_EQ(opened, nullptr);
  moec_module_info info = {};
  EXPECT_EQ(moec_module_get_info(module.get(), &info), MOEC_BAD_ARGUMENT);
}

} // namespace
