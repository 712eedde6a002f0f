// The computations for an x86-64 with AVX2 and fused multiplication: all but the smallest since 2013.

#if defined(__x86_64__)

#pragma GCC target("avx2,fma")
#define FOR_PROCESSOR(name) name##_avx2

#include "network.inc"

#include "mel.inc"

#include "dense.inc"

#include "classifier.inc"

#include "voice.inc"

#include "sound.inc"

#include "events.inc"

#endif
