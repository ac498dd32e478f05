// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/runtime/TestArtifact.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

using namespace moec;
using namespace moec::test;

namespace {

struct SessionTest : testing::Test {
  Context context = makeContext(3);
  Image image = scaleImage();
  moec_error error = {};
  Module module = load(context.get(), image, error);
  Session session = makeSession(module.get());
  const moec_function *function =
      moec_module_find_function(module.get(), "scale");

  std::vector<float> x = std::vector<float>(10, 1), y = x;
  View input{x, {2, 5}}, output{y, {2, 5}};
  alignas(64) char workspace[1024];

  /// The message of a call that must fail.
  std::string refusal(const DLTensor &argument, const DLTensor &result,
                      void *space, int64_t size) {
    const DLTensor *arguments[] = {&argument}, *results[] = {&result};
    EXPECT_EQ(moec_session_call(session.get(), function, arguments, 1, results,
                                1, space, size, &error),
              MOEC_BAD_ARGUMENT);
    return error.text;
  }
  std::string refusal(const DLTensor &argument, const DLTensor &result) {
    return refusal(argument, result, workspace, sizeof(workspace));
  }
};

TEST_F(SessionTest, CallsWithAnyNumberOfRows) {
  for (int64_t rows : {0, 1, 2, 33, 1000})
    EXPECT_EQ(callScale(module.get(), session.get(), rows),
              expectedScale(rows));
}

TEST_F(SessionTest, GivesTheShapesOfResults) {
  const DLTensor *arguments[] = {&input.tensor};
  int64_t shape[2] = {};
  ASSERT_EQ(
      moec_function_result_shape(function, arguments, 1, 0, shape, &error),
      MOEC_OK);
  EXPECT_EQ(shape[0], 2);
  EXPECT_EQ(shape[1], 5);
  EXPECT_EQ(
      moec_function_result_shape(function, arguments, 1, 1, shape, &error),
      MOEC_NOT_FOUND);
}

TEST_F(SessionTest, SaysWhatIsWrongWithATensor) {
  DLTensor bad = input.tensor;
  bad.ndim = 1;
  EXPECT_EQ(refusal(bad, output.tensor),
            "scale: argument 'x' has 1 dimensions, expected 2");
  bad = input.tensor;
  int64_t wide[] = {2, 6}, negative[] = {-2, 5}, three[] = {3, 5};
  bad.shape = wide;
  EXPECT_EQ(refusal(bad, output.tensor),
            "scale: argument 'x' has 6 in dimension 1, expected 5");
  bad.shape = negative;
  EXPECT_EQ(refusal(bad, output.tensor), "scale: argument 'x' has an "
                                         "impossible shape: dimension 0 is -2");
  bad = output.tensor;
  bad.shape = three;
  EXPECT_EQ(refusal(input.tensor, bad),
            "scale: result 'y' has 3 in dimension 0, expected T = 2");
  bad = input.tensor;
  bad.dtype.bits = 64;
  EXPECT_EQ(refusal(bad, output.tensor),
            "scale: argument 'x' has DLPack type (code 2, bits 64, lanes 1), "
            "expected f32 (code 2, bits 32, lanes 1)");
  bad = input.tensor;
  int64_t transposed[] = {1, 2};
  bad.strides = transposed;
  EXPECT_EQ(refusal(bad, output.tensor),
            "scale: argument 'x' is not dense and row-major");
  bad = input.tensor;
  bad.device.device_type = kDLCUDA;
  EXPECT_EQ(
      refusal(bad, output.tensor),
      "scale: argument 'x' is on device type 2, expected host memory (1)");
  bad = input.tensor;
  bad.data = nullptr;
  EXPECT_EQ(refusal(bad, output.tensor), "scale: argument 'x' has no data");
  bad = input.tensor;
  bad.byte_offset = 2;
  EXPECT_EQ(refusal(bad, output.tensor),
            "scale: argument 'x' is not aligned to its elements of 4 bytes");
  EXPECT_EQ(moec_session_call(session.get(), function, nullptr, 0, nullptr, 0,
                              workspace, sizeof(workspace), &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "scale: 0 arguments are given, expected 1");
}

TEST_F(SessionTest, RefusesABadWorkspace) {
  EXPECT_EQ(refusal(input.tensor, output.tensor, workspace, 207),
            "scale: the workspace has 207 bytes, 208 are needed");
  EXPECT_EQ(refusal(input.tensor, output.tensor, workspace + 8, 512),
            "scale: the workspace is not 64-byte aligned");
  EXPECT_EQ(refusal(input.tensor, output.tensor, nullptr, 512),
            "scale: the workspace is not 64-byte aligned");
}

TEST_F(SessionTest, AcceptsStridesOfDenseTensorsAndOffsets) {
  int64_t strides[] = {5, 1};
  input.tensor.strides = strides;
  std::vector<float> shifted(11);
  shifted[6] = 7; // row 1, column 0 behind an offset of one element
  input.tensor.data = shifted.data();
  input.tensor.byte_offset = 4;
  const DLTensor *arguments[] = {&input.tensor}, *results[] = {&output.tensor};
  ASSERT_EQ(moec_session_call(session.get(), function, arguments, 1, results, 1,
                              workspace, sizeof(workspace), &error),
            MOEC_OK)
      << error.text;
  EXPECT_EQ(y[5], 7);
  EXPECT_EQ(y[4], 0);
}

TEST_F(SessionTest, AcceptsAnyStridesOfEmptyTensors) {
  int64_t strides[] = {0, 0}, shape[] = {0, 5};
  for (DLTensor *tensor : {&input.tensor, &output.tensor}) {
    tensor->strides = strides;
    tensor->shape = shape;
    tensor->data = nullptr;
  }
  const DLTensor *arguments[] = {&input.tensor}, *results[] = {&output.tensor};
  EXPECT_EQ(moec_session_call(session.get(), function, arguments, 1, results, 1,
                              workspace, sizeof(workspace), &error),
            MOEC_OK)
      << error.text;
}

TEST_F(SessionTest, MutableParametersBelongToTheSession) {
  std::vector<float> doubled = {2, 4, 6, 8, 10}, read(5);
  View value(doubled, {5}), out(read, {5});
  ASSERT_EQ(
      moec_session_set_parameter(session.get(), "scale", &value.tensor, &error),
      MOEC_OK)
      << error.text;
  Session other = makeSession(module.get());
  moec_session *fork = nullptr;
  ASSERT_EQ(moec_session_fork(session.get(), &fork, &error), MOEC_OK);
  Session forked(fork);
  EXPECT_EQ(callScale(module.get(), session.get(), 3), expectedScale(3, 2));
  EXPECT_EQ(callScale(module.get(), other.get(), 3), expectedScale(3));
  EXPECT_EQ(callScale(module.get(), fork, 3), expectedScale(3, 2));
  ASSERT_EQ(
      moec_session_get_parameter(session.get(), "scale", &out.tensor, &error),
      MOEC_OK);
  EXPECT_EQ(read, doubled);
  moec_session_reset(session.get());
  EXPECT_EQ(callScale(module.get(), session.get(), 3), expectedScale(3));
  EXPECT_EQ(callScale(module.get(), fork, 3), expectedScale(3, 2));

  EXPECT_EQ(
      moec_session_set_parameter(session.get(), "shift", &value.tensor, &error),
      MOEC_NOT_FOUND);
  EXPECT_STREQ(error.text, "memory: there is no parameter 'shift'");
  value.shape[0] = 4;
  EXPECT_EQ(
      moec_session_set_parameter(session.get(), "scale", &value.tensor, &error),
      MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "memory: 'scale' has 4 in dimension 0, expected 5");
}

TEST_F(SessionTest, RefusesToSetAConstantParameter) {
  image.edit([](schema::Header *header) {
    Image::set(header->parameters()->Get(0), schema::Parameter::VT_IS_MUTABLE,
               uint8_t(0));
  });
  Module constant = load(context.get(), image, error);
  ASSERT_NE(constant, nullptr) << error.text;
  std::vector<float> values(5);
  View value(values, {5});
  EXPECT_EQ(moec_session_set_parameter(makeSession(constant.get()).get(),
                                       "scale", &value.tensor, &error),
            MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "memory: parameter 'scale' is not mutable");
}

TEST_F(SessionTest, HandsTapsToTheCallback) {
  std::vector<float> tapped;
  moec_session_set_tap(
      session.get(),
      [](void *host, const char *name, const moec_tensor *value) {
        EXPECT_STREQ(name, "scaled");
        EXPECT_EQ(value->rank, 2);
        auto *data = static_cast<const float *>(value->data);
        static_cast<std::vector<float> *>(host)->assign(data, data + 10);
      },
      &tapped);
  std::vector<float> result = callScale(module.get(), session.get(), 2);
  EXPECT_EQ(tapped, result);
  tapped.clear();
  moec_session_set_tap(session.get(), nullptr, nullptr);
  callScale(module.get(), session.get(), 2);
  EXPECT_TRUE(tapped.empty());
}

TEST_F(SessionTest, RunsSeveralSessionsAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Session own = makeSession(module.get());
      for (int i = 0; i < 200; ++i)
        ASSERT_EQ(callScale(module.get(), own.get(), t + i % 7),
                  expectedScale(t + i % 7));
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(SessionTest, RefusesAFunctionOfAnotherModuleOrWithoutCode) {
  Module other = load(context.get(), image, error);
  function = moec_module_find_function(other.get(), "scale");
  EXPECT_EQ(refusal(input.tensor, output.tensor),
            "memory: the function is null or of another module than the "
            "session's");
  Module bare = load(context.get(), image, error, MOEC_MODULE_NO_CODE);
  session = makeSession(bare.get());
  function = moec_module_find_function(bare.get(), "scale");
  EXPECT_EQ(refusal(input.tensor, output.tensor),
            "scale: the module was loaded without code");
  session.reset(); // before its module
}

TEST_F(SessionTest, ReportsWhatTheCodeRefuses) {
  std::string path = temporaryPath("status.moe");
  ASSERT_EQ(scaleWriter(MOEC_TEST_CODE_REFUSES).finish(path), "");
  Image refusing(readFile(path));
  std::remove(path.c_str());
  Module other = load(context.get(), refusing, error);
  ASSERT_NE(other, nullptr) << error.text;
  session = makeSession(other.get());
  function = moec_module_find_function(other.get(), "scale");
  EXPECT_EQ(
      refusal(input.tensor, output.tensor),
      "scale: the code refuses tensor 1: null data, a negative size, or a size "
      "that does not fit (status -35)");
  session.reset(); // before its module
}

/// Counts what the hooks are asked for.
struct Hooks {
  std::atomic<int64_t> allocated{0}, calls{0}, loops{0}, tasks{0}, wholes{0};
  std::mutex mutex;
  std::vector<std::string> logged;

  moec_context_options options(bool ownLoops) {
    moec_context_options options = {};
    options.threads = 2;
    options.host = this;
    options.allocate = [](void *host, uint64_t size, uint64_t alignment) {
      auto &self = *static_cast<Hooks *>(host);
      self.calls++;
      self.allocated += size;
      uint64_t rounded = (size + alignment - 1) / alignment * alignment;
      return std::aligned_alloc(alignment, rounded);
    };
    options.deallocate = [](void *host, void *pointer, uint64_t size) {
      static_cast<Hooks *>(host)->allocated -= size;
      std::free(pointer);
    };
    options.log = [](void *host, int32_t, const char *text) {
      static_cast<Hooks *>(host)->logged.push_back(text);
    };
    options.trace = [](void *host, const moec_trace_event *event) {
      auto &self = *static_cast<Hooks *>(host);
      EXPECT_LE(event->begin, event->end);
      EXPECT_STREQ(event->function, "scale");
      (event->loop < 0 ? self.wholes : self.tasks)++;
    };
    if (ownLoops)
      options.parallel_for = [](void *host, int64_t count, moec_task task,
                                void *argument) {
        static_cast<Hooks *>(host)->loops++;
        for (int64_t i = count; i-- > 0;)
          task(argument, i, i % 2);
      };
    return options;
  }
};

TEST(Hooks, AreUsedAndACallAllocatesNothing) {
  for (bool ownLoops : {false, true}) {
    Hooks hooks;
    {
      Context context = makeContext(hooks.options(ownLoops));
      EXPECT_EQ(moec_context_num_workers(context.get()), 2u);
      moec_error error = {};
      Image image = scaleImage();
      Module module = load(context.get(), image, error);
      ASSERT_NE(module, nullptr) << error.text;
      Session session = makeSession(module.get());
      int64_t before = hooks.calls;
      EXPECT_GT(before, 0);
      EXPECT_EQ(callScale(module.get(), session.get(), 9), expectedScale(9));
      EXPECT_EQ(hooks.calls, before);
      EXPECT_EQ(hooks.loops, ownLoops ? 1 : 0);
      EXPECT_EQ(hooks.tasks, 9);
      EXPECT_EQ(hooks.wholes, 1);
      ASSERT_EQ(hooks.logged.size(), 1u);
      EXPECT_EQ(hooks.logged[0],
                std::string("memory: loaded the ") + baseLevel() + " code");
    }
    EXPECT_EQ(hooks.allocated, 0);
  }
}

TEST(Hooks, EveryFailedAllocationIsAnError) {
  struct Failing {
    int64_t left;
  };
  Image image = scaleImage();
  bool loaded = false;
  for (int64_t allowed = 0; !loaded; ++allowed) {
    ASSERT_LT(allowed, 1000);
    Failing failing = {allowed};
    moec_context_options options = {};
    options.struct_size = sizeof(options);
    options.threads = 1;
    options.host = &failing;
    options.allocate = [](void *host, uint64_t size,
                          uint64_t alignment) -> void * {
      if (static_cast<Failing *>(host)->left-- <= 0)
        return nullptr;
      return std::aligned_alloc(alignment,
                                (size + alignment - 1) / alignment * alignment);
    };
    options.deallocate = [](void *, void *pointer, uint64_t) {
      std::free(pointer);
    };
    moec_error error = {};
    moec_context *context = nullptr;
    if (moec_context_create(&options, &context, &error) != MOEC_OK)
      continue;
    Context owner(context);
    moec_module *module = nullptr;
    if (moec_module_load_memory(context, image.data(), image.size(), nullptr,
                                &module, &error) != MOEC_OK) {
      EXPECT_NE(std::string(error.text).find("out of memory"),
                std::string::npos)
          << error.text;
      continue;
    }
    Module moduleOwner(module);
    moec_session *session = nullptr;
    loaded = moec_session_create(module, &session, &error) == MOEC_OK;
    moec_session_destroy(session);
  }
}

TEST(Hooks, ServeObjects) {
  Context context = makeContext(3);
  moec_services services = {};
  services.struct_size = sizeof(services);
  ASSERT_EQ(moec_context_get_services(context.get(), &services), MOEC_OK);
  EXPECT_EQ(services.num_workers, 3u);
  std::atomic<int64_t> sum = 0;
  services.parallel_for(
      services.host, 100,
      [](void *total, int64_t index, int64_t worker) {
        EXPECT_LT(worker, 3);
        *static_cast<std::atomic<int64_t> *>(total) += index;
      },
      &sum);
  EXPECT_EQ(sum, 4950);
  int32_t counter = 2;
  services.wait(services.host, &counter, 2);
}

TEST(Hooks, RefusesContradictoryOptions) {
  moec_context *context = nullptr;
  moec_error error = {};
  moec_context_options options = {};
  EXPECT_EQ(moec_context_create(&options, &context, &error), MOEC_BAD_ARGUMENT);
  EXPECT_STREQ(error.text, "moec_context_options.struct_size is 0, expected "
                           "sizeof(moec_context_options)");
  options.struct_size = sizeof(options);
  options.deallocate = [](void *, void *, uint64_t) {};
  EXPECT_EQ(moec_context_create(&options, &context, &error), MOEC_BAD_ARGUMENT);
  options = {};
  options.struct_size = sizeof(options);
  options.parallel_for = [](void *, int64_t, moec_task, void *) {};
  EXPECT_EQ(moec_context_create(&options, &context, &error), MOEC_BAD_ARGUMENT);
}

} // namespace
