// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/Compiler.h"
#include "codegen/cpu/Pipeline.h"
#include "codegen/cuda/Pipeline.h"
#include "codegen/cuda/toolchain/Toolchain.h"
#include "dialects/moe/Moe.h"
#include "importers/Importer.h"
#include "importers/Tokenizer.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipelines.h"
#include "passes/SelectStrategy.h"
#include "tools/driver/ArtifactParameters.h"
#include "tools/driver/ArtifactStates.h"
#include "tools/driver/Diagnostics.h"
#include "tools/driver/EmitObject.h"
#include "tools/driver/RegisterDialects.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using llvm::Error;

namespace {

/// The state of one compilation; its methods are the steps, in order.
class Compilation {
public:
  Compilation(const moec::CompileOptions &options,
              const moec::CompileSinks &sinks)
      : options(options), sinks(sinks), context(makeRegistry()),
        printer(context, sinks.message) {
    context.disableMultithreading();
    context.printOpOnDiagnostic(false);
  }

  moec_compile_status run();

  /// The input module as text, for the reproducer of a crash.
  std::string reproducer;

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    moec::registerDialects(registry);
    moec::cpu::registerCpuDialects(registry);
    moec::cuda::registerCudaDialects(registry);
    return registry;
  }

  moec_compile_status fail(moec_compile_status status,
                           const llvm::Twine &text) {
    sinks.message(("error: " + text).str());
    return status;
  }
  moec_compile_status fail(moec_compile_status status, Error error) {
    return fail(status, llvm::toString(std::move(error)));
  }

  moec::PipelineOptions makePipelineOptions() const {
    moec::PipelineOptions result{options.disabledPasses, options.taps,
                                 options.exact,          options.explain,
                                 options.quantize,       options.compute};
    if (!options.architectures.empty())
      for (StringRef name : moec::cuda::getCpuOnlyPasses())
        result.disabled.push_back(name.str());
    return result;
  }
  bool import();
  bool writePhase(StringRef phase, ModuleOp module);
  bool readTokenizer();
  bool runPasses();
  moec_compile_status emitText(StringRef text);
  moec_compile_status emitCode();
  moec_compile_status emitCudaCode();
  moec_compile_status emitArtifact(moec::cpu::CpuModule &code);

  const moec::CompileOptions &options;
  const moec::CompileSinks &sinks;
  MLIRContext context;
  moec::DiagnosticPrinter printer;
  OwningOpRef<ModuleOp> source; ///< as imported
  OwningOpRef<ModuleOp> module; ///< after the passes
  std::string sourceDirectory;
  std::string tokenizer; ///< of a whole model
  unsigned numPhases = 0;
  moec_compile_status status = MOEC_COMPILE_OK;
};

std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  stream << '\n';
  return text;
}

bool Compilation::import() {
  auto imported = moec::importModel(
      options.input, moec::ImportOptions{options.scope}, context);
  if (!imported) {
    status = fail(MOEC_COMPILE_INPUT_ERROR, imported.takeError());
    return false;
  }
  source = std::move(*imported);
  if (auto directory =
          (*source)->getAttrOfType<StringAttr>(moec::moe::kSourceDirectoryAttr))
    sourceDirectory = directory.str();
  // Where the model lay at compile time is nobody's business later.
  (*source)->removeAttr(moec::moe::kSourceDirectoryAttr);
  reproducer = print(*source);
  return writePhase("input", *source);
}

/// Before the work of compiling, so that errors come at once.
bool Compilation::readTokenizer() {
  if (options.scope != moec::ImportScope::Model)
    return true;
  auto read =
      moec::readTokenizer(options.input, [this](const std::string &text) {
        sinks.message("warning: " + text);
      });
  if (!read) {
    status = fail(MOEC_COMPILE_INPUT_ERROR, read.takeError());
    return false;
  }
  tokenizer = std::move(*read);
  return true;
}

/// Writes `module` to the directory of --dump-phases, numbered in the order of
/// the phases.
bool Compilation::writePhase(StringRef phase, ModuleOp module) {
  if (options.dumpPhases.empty())
    return true;
  if (std::error_code code =
          llvm::sys::fs::create_directories(options.dumpPhases)) {
    status = fail(MOEC_COMPILE_ENVIRONMENT,
                  options.dumpPhases + ": " + code.message());
    return false;
  }
  SmallString<128> path(options.dumpPhases);
  llvm::sys::path::append(path, std::to_string(numPhases++) + "-" +
                                    phase.str() + ".mlir");
  if (Error error = llvm::writeToOutput(path, [&](raw_ostream &stream) {
        stream << print(module);
        return Error::success();
      })) {
    status = fail(MOEC_COMPILE_ENVIRONMENT, std::move(error));
    return false;
  }
  return true;
}

bool Compilation::runPasses() {
  module = source->clone();
  moec::PipelineOptions pipeline = makePipelineOptions();
  for (auto [phase, build] :
       {std::pair("moe", &moec::buildMoePipeline),
        std::pair("grouped", &moec::buildGroupedPipeline)}) {
    PassManager manager(&context);
    manager.enableVerifier(options.verifyEach);
    build(manager, pipeline);
    if (failed(manager.run(*module))) {
      status = MOEC_COMPILE_INPUT_ERROR;
      return false;
    }
    if (!writePhase(phase, *module))
      return false;
  }
  if (options.explain) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    moec::explainStrategy(*module, stream);
    sinks.text(text);
  }
  return true;
}

moec_compile_status Compilation::emitText(StringRef text) {
  if (options.output.empty() || options.output == "-") {
    sinks.text(text);
    return MOEC_COMPILE_OK;
  }
  if (Error error =
          llvm::writeToOutput(options.output, [&](raw_ostream &stream) {
            stream << text;
            return Error::success();
          }))
    return fail(MOEC_COMPILE_ENVIRONMENT, std::move(error));
  return MOEC_COMPILE_OK;
}

moec_compile_status Compilation::emitCode() {
  moec::cpu::CpuCompileOptions codeOptions;
  codeOptions.levels = options.levels;
  codeOptions.verifyEach = options.verifyEach;
  codeOptions.wantLlvm = options.emit == moec::EmitKind::Llvm;
  codeOptions.wantAssembly = options.emit == moec::EmitKind::Asm;
  bool allWritten = true;
  auto dump = [&](StringRef phase, StringRef level, ModuleOp module) {
    allWritten &= writePhase((phase + "-" + level).str(), module);
  };
  codeOptions.dump = dump;
  moec::SourceFiles files(sourceDirectory);
  moec::ObjectEmission object(options, *module, files);
  auto extend = [&](llvm::Module &llvmModule,
                    ArrayRef<moec::cpu::FunctionSignature> functions) {
    return object.extend(llvmModule, functions);
  };
  bool isObject = options.emit == moec::EmitKind::Object ||
                  options.emit == moec::EmitKind::Shared;
  if (isObject)
    codeOptions.extend = extend;
  FailureOr<moec::cpu::CpuModule> code =
      moec::cpu::compileCpuModule(*module, codeOptions);
  if (failed(code))
    return MOEC_COMPILE_INPUT_ERROR;
  if (!allWritten)
    return status;
  if (options.emit == moec::EmitKind::Artifact)
    return emitArtifact(*code);
  if (isObject) {
    if (Error error = object.check())
      return fail(MOEC_COMPILE_INPUT_ERROR, std::move(error));
    if (Error error = object.write(code->code.front()))
      return fail(MOEC_COMPILE_ENVIRONMENT, std::move(error));
    return MOEC_COMPILE_OK;
  }
  std::string text;
  for (const moec::cpu::CpuCode &level : code->code)
    text += codeOptions.wantLlvm ? level.llvmText : level.assembly;
  return emitText(text);
}

moec_compile_status Compilation::emitCudaCode() {
  moec::cuda::CudaCompileOptions codeOptions;
  codeOptions.architectures = options.architectures;
  codeOptions.bf16 = options.compute == "bf16";
  codeOptions.sourceOnly = true;
  codeOptions.verifyEach = options.verifyEach;
  bool allWritten = true;
  auto dump = [&](StringRef phase, StringRef architecture, ModuleOp module) {
    allWritten &= writePhase((phase + "-" + architecture).str(), module);
  };
  codeOptions.dump = dump;
  FailureOr<moec::cuda::CudaModule> code =
      moec::cuda::compileCudaModule(*module, codeOptions);
  if (failed(code))
    return MOEC_COMPILE_INPUT_ERROR;
  if (!allWritten)
    return status;
  const moec::cuda::CudaCode &emitted = code->code.front();
  if (options.emit == moec::EmitKind::Cuda)
    return emitText(emitted.source);
  llvm::Expected<std::string> compiled = moec::cuda::compileCuda(
      emitted.source, emitted.architecture,
      options.emit == moec::EmitKind::Ptx ? moec::cuda::CudaForm::Ptx
                                          : moec::cuda::CudaForm::Cubin);
  if (!compiled)
    return fail(MOEC_COMPILE_ENVIRONMENT, compiled.takeError());
  return emitText(*compiled);
}

/// The artifact's form of a signature.
moec::artifact::TensorSignature
toArtifact(const moec::cpu::TensorSignature &tensor) {
  moec::artifact::TensorSignature result{tensor.name, tensor.dtype, {}};
  for (const moec::cpu::Dimension &dim : tensor.dims)
    result.dims.push_back({dim.size, dim.symbol});
  return result;
}

moec::artifact::FunctionSignature
toArtifact(const moec::cpu::FunctionSignature &function) {
  moec::artifact::FunctionSignature result;
  result.name = function.name;
  for (const moec::cpu::TensorSignature &argument : function.arguments)
    result.arguments.push_back(toArtifact(argument));
  for (const moec::cpu::TensorSignature &tensor : function.results)
    result.results.push_back(toArtifact(tensor));
  result.parameters = function.parameters;
  result.taps = function.taps;
  for (const moec::cpu::TensorSignature &state : function.states)
    result.states.push_back(state.name);
  result.appends = function.appends;
  result.entry = function.entry;
  result.workspace = function.workspace;
  return result;
}

/// Enough digits for whole numbers of bytes.
static std::string toText(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.15g", number);
  return text;
}

moec_compile_status Compilation::emitArtifact(moec::cpu::CpuModule &code) {
  moec::artifact::ArtifactWriter writer;
  writer.setProducer("moec " MOEC_VERSION);
  if (sinks.progress)
    writer.setProgress(sinks.progress);
  if (options.compute != "f32")
    writer.setComputeMode(options.compute == "bf16"
                              ? moec::artifact::ComputeMode::BF16
                              : moec::artifact::ComputeMode::Int8);
  if (!options.stripSource) {
    std::string bytecode;
    llvm::raw_string_ostream stream(bytecode);
    if (failed(writeBytecodeToFile(*source, stream)))
      return fail(MOEC_COMPILE_INTERNAL_ERROR,
                  "the source module cannot be written as bytecode");
    writer.setSource(std::move(bytecode));
  }
  writer.setTokenizer(std::move(tokenizer));
  for (moec::cpu::CpuCode &level : code.code)
    writer.addVariant({level.base, level.features, std::move(level.elf)});
  // What strategies were chosen for.
  FailureOr<moec::TargetDescription> target =
      moec::TargetDescription::get(*module);
  if (succeeded(target)) {
    writer.addTargetEntry("moec.level", target->level);
    for (const auto &[key, number] : target->getEntries())
      writer.addTargetEntry(key, toText(number));
  }

  moec::addStates(writer, code.functions, *module);
  // Layers may share parameters; each is stored once.
  llvm::SetVector<StringRef> parameters;
  for (const moec::cpu::FunctionSignature &function : code.functions) {
    writer.addFunction(toArtifact(function));
    parameters.insert_range(function.parameters);
  }
  moec::SourceFiles files(sourceDirectory);
  if (Error error = moec::addParameters(writer, parameters.getArrayRef(),
                                        *module, *source, files))
    return fail(MOEC_COMPILE_INPUT_ERROR, std::move(error));
  if (std::string text = writer.finish(options.output); !text.empty())
    return fail(MOEC_COMPILE_ENVIRONMENT, text);
  return MOEC_COMPILE_OK;
}

moec_compile_status Compilation::run() {
  if (std::string wrong = moec::checkPipelineOptions(makePipelineOptions());
      !wrong.empty())
    return fail(MOEC_COMPILE_USAGE_ERROR, "--disable-pass: " + wrong);
  if (!import())
    return status;
  if (options.emit == moec::EmitKind::Mlir)
    return emitText(print(*source));
  if (!readTokenizer() || !runPasses())
    return status;
  return options.architectures.empty() ? emitCode() : emitCudaCode();
}

/// Writes the input of a compilation that crashed; returns the file's name.
std::string writeReproducer(StringRef text) {
  int file;
  SmallString<128> path;
  if (llvm::sys::fs::createTemporaryFile("moec-reproducer", "mlir", file, path))
    return "";
  llvm::raw_fd_ostream(file, /*shouldClose=*/true) << text;
  return path.str().str();
}

} // namespace

moec_compile_status moec::compile(const CompileOptions &options,
                                  const CompileSinks &sinks) {
  Compilation compilation(options, sinks);
  moec_compile_status status = MOEC_COMPILE_INTERNAL_ERROR;
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext recovery;
  if (!recovery.RunSafely([&] { status = compilation.run(); }))
    sinks.message("error: internal error while compiling " + options.input +
                  "; reproducer: " + writeReproducer(compilation.reproducer));
  return status;
}
