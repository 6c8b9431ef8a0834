// CPU time and memory of the processes that a run loads, from /proc.
#pragma once

#include <cstdint>
#include <optional>

namespace howdah::bench {

// The process that listens on a TCP port of this machine, or 0.
int processListeningOn(std::uint16_t port);

// The postmaster among the descendants of `pid`, or 0.
int postmasterBelow(int pid);

// The parent of a backend, or 0 if that does not run on this machine.
int postmasterOfBackend(int pid);

// Seconds of CPU, threads included. Empty if there is no such process.
std::optional<double> cpuOf(int pid);

// Of a postmaster and every process it has or had: those that ended are counted by the kernel in their parent.
std::optional<double> cpuOfPostgres(int postmaster_pid);

std::optional<double> residentBytesOf(int pid);

}  // namespace howdah::bench
