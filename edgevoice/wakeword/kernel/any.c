// The computations for any processor of this architecture: SSE2 on x86-64, NEON on aarch64.

#define FOR_PROCESSOR(name) name##_any

#include "network.inc"

#include "mel.inc"

#include "dense.inc"

#include "classifier.inc"

#include "voice.inc"

#include "sound.inc"

#include "events.inc"
