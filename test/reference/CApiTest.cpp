// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libmoec_reference.so as the runtime calls it.

#include "mlir/Bytecode/BytecodeWriter.h"
#include "moec/reference.h"
#include "test/reference/Harness.h"
#include <gtest/gtest.h>

using namespace moec::reference;

namespace {
const char *const text = R"(
  ml_program.global private @w(#moe.source<"m.safetensors", "w">) : tensor<2xbf16>
  func.func @"layers.0.moe"(%x: tensor<?x2xf32> {moe.name = "hidden_states"}) -> (tensor<?x2xf32> {moe.name = "moe_out"}, tensor<?x1xi32> {moe.name = "topk_ids"}) {
    %w = ml_program.global_load_const @w : tensor<2xbf16>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<2xbf16>) outs(%x : tensor<?x2xf32>) {
    ^bb0(%a: bf16, %b: f32):
      %e = arith.extf %a : bf16 to f32
      %m = arith.mulf %e, %b : f32
      linalg.yield %m : f32
    } -> tensor<?x2xf32>
    moe.tap "product" %y : tensor<?x2xf32>
    %ids = moe.select #moe.top_k<1> scores(%y : tensor<?x2xf32>) -> tensor<?x1xi32>
    return %y, %ids : tensor<?x2xf32>, tensor<?x1xi32>
  })";

std::string makeBytecode() {
  Program program(text);
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  EXPECT_TRUE(
      mlir::succeeded(mlir::writeBytecodeToFile(program.getModule(), stream)));
  return bytes;
}

/// What the callbacks of one run saw.
struct Seen {
  int32_t parameterStatus = 0;
  int32_t resultStatus = 0;
  std::vector<std::string> names;
  std::vector<float> floats;
  std::vector<int32_t> ids;
};

int32_t getParameter(void *host, const char *symbol, moec_tensor *value) {
  static const int64_t shape[] = {2};
  static uint16_t data[] = {0x4000, 0xbf80}; // 2, -1
  EXPECT_STREQ(symbol, "w");
  *value = {data, shape, 1, MOEC_DTYPE_BF16};
  return static_cast<Seen *>(host)->parameterStatus;
}

int32_t takeResult(void *host, uint32_t index, const char *name,
                   const moec_tensor *value) {
  Seen &seen = *static_cast<Seen *>(host);
  seen.names.push_back(name);
  int64_t count = value->shape[0] * value->shape[1];
  if (value->dtype == MOEC_DTYPE_F32)
    seen.floats.assign(static_cast<float *>(value->data),
                       static_cast<float *>(value->data) + count);
  else
    seen.ids.assign(static_cast<int32_t *>(value->data),
                    static_cast<int32_t *>(value->data) + count);
  return seen.resultStatus;
}

void takeTap(void *host, const char *name, const moec_tensor *value) {
  static_cast<Seen *>(host)->names.push_back(name);
}

class CApi : public testing::Test {
protected:
  CApi() {
    request.struct_size = sizeof(request);
    request.num_arguments = 1;
    request.bytecode = bytecode.data();
    request.bytecode_size = bytecode.size();
    request.function = "layers.0.moe";
    request.arguments = &argument;
    request.host = &seen;
    request.get_parameter = getParameter;
    request.result = takeResult;
    request.error_text = error;
    request.error_capacity = sizeof(error);
  }

  void expect(int32_t status, const char *message) {
    EXPECT_EQ(moec_reference_run(&request), status);
    EXPECT_STREQ(error, message);
  }

  std::string bytecode = makeBytecode();
  float input[4] = {1, 2, 3, -4};
  int64_t shape[2] = {2, 2};
  moec_tensor argument = {input, shape, 2, MOEC_DTYPE_F32};
  char error[200] = "";
  Seen seen;
  moec_reference_request request = {};
};

TEST_F(CApi, Runs) {
  expect(MOEC_REFERENCE_OK, "");
  EXPECT_EQ(seen.names, (std::vector<std::string>{"moe_out", "topk_ids"}));
  EXPECT_EQ(seen.floats, (std::vector<float>{2, -2, 6, 4}));
  EXPECT_EQ(seen.ids, (std::vector<int32_t>{0, 0}));
}

TEST_F(CApi, Taps) {
  request.tap = takeTap;
  expect(MOEC_REFERENCE_OK, "");
  EXPECT_EQ(seen.names.front(), "product");
}

TEST_F(CApi, NoTokens) {
  shape[0] = 0;
  argument.data = nullptr;
  expect(MOEC_REFERENCE_OK, "");
}

TEST_F(CApi, BadRequest) {
  EXPECT_EQ(moec_reference_run(nullptr), MOEC_REFERENCE_BAD_REQUEST);
  request.struct_size = 8;
  expect(MOEC_REFERENCE_BAD_REQUEST, "");
  request.struct_size = sizeof(request);
  request.bytecode = nullptr;
  expect(MOEC_REFERENCE_BAD_REQUEST,
         "request has a null bytecode, function, arguments or result");
}

TEST_F(CApi, BadModule) {
  request.bytecode = text;
  request.bytecode_size = 10;
  expect(MOEC_REFERENCE_BAD_MODULE, "source segment is not MLIR bytecode");
}

// Every cut is an error or (in trailing padding) the module, never a crash.
TEST_F(CApi, CutBytecode) {
  for (size_t size = 0; size < bytecode.size(); size += 7) {
    request.bytecode_size = size;
    EXPECT_NE(moec_reference_run(&request), MOEC_REFERENCE_OK) << size;
  }
}

TEST_F(CApi, BadFunction) {
  request.function = "layers.1.moe";
  expect(MOEC_REFERENCE_BAD_ARGUMENT, "module has no function 'layers.1.moe'");
}

TEST_F(CApi, BadArguments) {
  request.num_arguments = 2;
  expect(MOEC_REFERENCE_BAD_ARGUMENT, "expected 1 arguments, found 2");
  request.num_arguments = 1;
  argument.dtype = MOEC_DTYPE_I32;
  expect(MOEC_REFERENCE_BAD_ARGUMENT, "argument 0: expected tensor<?x2xf32>");
  argument.dtype = MOEC_DTYPE_F32;
  shape[1] = 1;
  expect(MOEC_REFERENCE_BAD_ARGUMENT, "argument 0: expected tensor<?x2xf32>");
}

TEST_F(CApi, StoppedByCallbacks) {
  seen.resultStatus = 1;
  expect(MOEC_REFERENCE_STOPPED, "stopped at result 'moe_out'");
  seen.parameterStatus = 1;
  expect(MOEC_REFERENCE_STOPPED, "'ml_program.global_load_const' op expects a "
                                 "value for parameter 'w'");
}

TEST_F(CApi, LongMessagesAreCut) {
  request.error_capacity = 7;
  request.function = "f";
  expect(MOEC_REFERENCE_BAD_ARGUMENT, "module");
}

TEST_F(CApi, Prints) {
  std::string printed;
  auto write = [](void *host, const char *piece, uint64_t size) {
    static_cast<std::string *>(host)->append(piece, size);
  };
  EXPECT_EQ(moec_reference_print(bytecode.data(), bytecode.size(), &printed,
                                 write, error, sizeof(error)),
            MOEC_REFERENCE_OK);
  EXPECT_NE(printed.find("moe.select #moe.top_k<1>"), std::string::npos);
  EXPECT_EQ(moec_reference_print("x", 1, &printed, write, error, sizeof(error)),
            MOEC_REFERENCE_BAD_MODULE);
  EXPECT_STREQ(error, "source segment is not MLIR bytecode");
  EXPECT_EQ(
      moec_reference_print(nullptr, 0, &printed, write, error, sizeof(error)),
      MOEC_REFERENCE_BAD_REQUEST);
}
} // namespace
