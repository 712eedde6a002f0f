// What the virtual card writes of every frame it converts, for readers in any process. See tape.py for one in Python.
#pragma once

#include <stdint.h>

#define MOST_CHANNELS 2     // of a speaker
#define MOST_MICROPHONES 16 // channels of a microphone

// A tape is this header, then interleaved s16 frames. It is one unbroken line of time from the first start to the close:
// frame k passed the converter at start_ns + k / true_rate_hz(). While the stream is stopped the tape has a hole: silence.
struct tape_header {
    char magic[8]; // "EDGEVOX1", no terminator
    uint32_t rate_hz;
    uint32_t channels;
    uint64_t start_ns; // CLOCK_MONOTONIC of frame 0
    uint64_t frames;   // grows after the samples are on the tape, never before
    uint64_t xruns;
    uint64_t is_running;
    uint64_t lost_frames; // converted, but the tape's file system was full
    int64_t drift_ppb;    // the card's clock runs so much faster than CLOCK_MONOTONIC, in parts per billion
};
_Static_assert(sizeof(struct tape_header) == 64, "readers rely on a header of 64 bytes");

static inline double true_rate_hz(const struct tape_header *header)
{
    return header->rate_hz * (1 + 1e-9 * (double)header->drift_ppb);
}
