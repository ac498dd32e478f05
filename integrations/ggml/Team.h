// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads of ggml that compute one node, as a moec_services.

#ifndef MOEC_INTEGRATIONS_GGML_TEAM_H
#define MOEC_INTEGRATIONS_GGML_TEAM_H

#include "moec/frame.h"
#include <atomic>
#include <sched.h>

namespace moec::ggml {

/// ggml calls an operator on all its threads at once. The first of them leads:
/// it calls the kernel. The others follow: they help with its loops until it is
/// done. Lies in memory of the graph, made anew for each computation.
class Team {
public:
  /// Runs tasks of the leader's loops until release().
  void follow(int64_t worker) {
    uint32_t heard = 0;
    for (;;) {
      waitUntil([&] { return bell.load() != heard; });
      heard = bell.load();
      if (released.load())
        return;
      // Entering is announced before the loop is read, and the leader rewrites
      // the loop only when it is shut and everybody has left.
      if (gate.fetch_add(1) & open)
        work(worker);
      gate.fetch_sub(1);
    }
  }

  /// Lets the followers go.
  void release() {
    released.store(true);
    bell.fetch_add(1);
  }

  /// A moec_services' parallel_for whose host is the team.
  static void parallelFor(void *host, int64_t count, moec_task task,
                          void *argument) {
    Team &team = *static_cast<Team *>(host);
    team.task = task;
    team.argument = argument;
    team.count = count;
    team.next.store(0, std::memory_order_relaxed);
    team.gate.fetch_or(open);
    team.bell.fetch_add(1);
    team.work(0);
    team.gate.fetch_and(~open);
    waitUntil([&] { return team.gate.load() == 0; });
  }

private:
  static constexpr uint32_t open = 1u << 31;
  static constexpr int kSpins = 1 << 12;

  template <typename Condition> static void waitUntil(Condition condition) {
    for (int i = 0; !condition(); ++i)
      if (i < kSpins)
        __builtin_ia32_pause();
      else
        sched_yield();
  }

  void work(int64_t worker) {
    for (;;) {
      int64_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= count)
        return;
      task(argument, index, worker);
    }
  }

  moec_task task = nullptr;
  void *argument = nullptr;
  int64_t count = 0;
  std::atomic<bool> released = false;
  std::atomic<uint32_t> bell = 0;             ///< rung for each loop
  alignas(64) std::atomic<uint32_t> gate = 0; ///< followers within, and `open`
  alignas(64) std::atomic<int64_t> next = 0;  ///< task
};

} // namespace moec::ggml

#endif // MOEC_INTEGRATIONS_GGML_TEAM_H
