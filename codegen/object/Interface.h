// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C functions of an object file: one for each function of a module and one
// for its workspace.

#ifndef MOEC_CODEGEN_OBJECT_INTERFACE_H
#define MOEC_CODEGEN_OBJECT_INTERFACE_H

#include "codegen/cpu/Signature.h"
#include "codegen/object/pack/Description.h"
#include "llvm/Support/Error.h"

namespace moec::object {

/// Where the weights are.
enum class WeightsPlace {
  Linked,   ///< in the object
  File,     ///< each call hands over the bytes of a file
  Pointers, ///< each call hands over a table of pointers
};

/// What functions there are beside those of C.
enum class Abi { C, TvmFfi };

/// A weight as the code reads it.
struct Weight {
  std::string name;
  std::string layout;  ///< its type in IR, for the header
  std::string source;  ///< what it is packed from, for the header
  uint64_t size = 0;   ///< bytes
  uint64_t offset = 0; ///< in the object's weights or the file
  PackDescription pack;
};

/// Weights begin on a cache line.
inline constexpr uint64_t weightAlignment = 64;

/// One parameter of a C function.
struct CParameter {
  enum Kind {
    Argument,
    Size,
    Result,
    Weights,
    Workspace,
    WorkspaceSize,
    Services
  };
  Kind kind;
  unsigned index;     ///< of the argument or result
  std::string symbol; ///< of a size
  std::string name;
};

struct CFunction {
  cpu::FunctionSignature signature;
  std::string name;          ///< "tiny_layers_0_moe"
  std::string workspaceName; ///< "tiny_layers_0_moe_workspace"
  /// "tiny_layers_0_moe_weight_size", "tiny_layers_0_moe_pack_weight"; empty
  /// without weights by pointer.
  std::string weightSizeName, packName;
  std::vector<CParameter> parameters, workspaceParameters;
  std::vector<unsigned> weights; ///< into Interface::weights
};

struct Interface {
  std::string prefix; ///< "tiny"
  WeightsPlace place = WeightsPlace::Linked;
  Abi abi = Abi::C;
  std::vector<CFunction> functions;
  std::vector<Weight> weights;

  uint64_t getWeightsSize() const {
    return weights.empty() ? 0 : weights.back().offset + weights.back().size;
  }
};

/// Describes a weight by its name.
using DescribeWeight =
    llvm::function_ref<llvm::Expected<Weight>(llvm::StringRef name)>;

/// Names functions and their parameters and gives each weight its place. The
/// order of a function's parameters: arguments, each followed by the dynamic
/// sizes that it is the first to have; results; the table of weights where
/// there is one; workspace, its size, services. Functions with states and two
/// functions of one C name are errors.
llvm::Expected<Interface>
makeInterface(llvm::StringRef prefix, WeightsPlace place,
              llvm::ArrayRef<cpu::FunctionSignature> functions,
              DescribeWeight describe);

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_INTERFACE_H
