// A disk that gives a file no more names: the optimiser leaves files as they are, tells how many,
// says nothing false of what it saved, and loses nothing.
#pragma once

namespace cinch::proof {

// REQUIRES: LD_PRELOAD names libproof-fail.so. False, and the reason on standard output, if not so.
bool run_link_faults();

}  // namespace cinch::proof
