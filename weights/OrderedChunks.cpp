// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/OrderedChunks.h"
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

using namespace moec;
using llvm::Error;

namespace {

struct Slot {
  std::vector<char> buffer;
  bool ready = false;
  bool failed = false;
  std::string message;
};

struct Pipeline {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Slot> slots;
  int64_t next = 0;     ///< chunk that the next free worker takes
  int64_t consumed = 0; ///< chunks that were used
  bool stop = false;
};

} // namespace

Error moec::runOrderedChunks(
    int64_t count, unsigned workers,
    llvm::function_ref<Error(int64_t, std::vector<char> &)> make,
    llvm::function_ref<Error(const std::vector<char> &)> use) {
  if (workers == 0) {
    std::vector<char> buffer;
    for (int64_t i = 0; i < count; ++i) {
      if (Error error = make(i, buffer))
        return error;
      if (Error error = use(buffer))
        return error;
    }
    return Error::success();
  }

  Pipeline pipeline;
  pipeline.slots.resize(workers + 2);
  auto numSlots = static_cast<int64_t>(pipeline.slots.size());
  auto work = [&] {
    std::unique_lock lock(pipeline.mutex);
    while (true) {
      pipeline.changed.wait(lock, [&] {
        return pipeline.stop || pipeline.next == count ||
               pipeline.next < pipeline.consumed + numSlots;
      });
      if (pipeline.stop || pipeline.next == count)
        return;
      int64_t index = pipeline.next++;
      Slot &slot = pipeline.slots[index % numSlots];
      lock.unlock();
      Error error = make(index, slot.buffer);
      bool failed = static_cast<bool>(error);
      std::string message = llvm::toString(std::move(error));
      lock.lock();
      slot.ready = true;
      slot.failed = failed;
      slot.message = std::move(message);
      pipeline.changed.notify_all();
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < workers; ++i)
    threads.emplace_back(work);

  Error result = Error::success();
  for (int64_t i = 0; i < count && !result; ++i) {
    Slot &slot = pipeline.slots[i % numSlots];
    {
      std::unique_lock lock(pipeline.mutex);
      pipeline.changed.wait(lock, [&] { return slot.ready; });
    }
    result = slot.failed ? llvm::createStringError(llvm::Twine(slot.message))
                         : use(slot.buffer);
    std::unique_lock lock(pipeline.mutex);
    slot.ready = false;
    ++pipeline.consumed;
    pipeline.changed.notify_all();
  }
  {
    std::unique_lock lock(pipeline.mutex);
    pipeline.stop = true;
    pipeline.changed.notify_all();
  }
  for (std::thread &thread : threads)
    thread.join();
  return result;
}
