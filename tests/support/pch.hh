// Precompiled for the test programs. A file of its own, as a header that is precompiled under its
// own name cannot be included by that name any more.
#include "catch.hh"
