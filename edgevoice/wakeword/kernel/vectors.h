// Vectors of floats by GCC's extension, as long as the processor's that this is compiled for.

#ifndef EDGEVOICE_VECTORS_H
#define EDGEVOICE_VECTORS_H

#include <stdint.h>

#if defined(__AVX2__)
#define LANES 8
#else
#define LANES 4 // SSE2, which every x86-64 has, and NEON, which every aarch64 has
#endif

#define INLINED static inline __attribute__((always_inline))

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef vector stored __attribute__((aligned(4), may_alias)); // as it lies in an array of floats
typedef int32_t mask __attribute__((vector_size(4 * LANES)));

#define LOAD(place) (*(const stored *)(place))
#define STORE(place, value) (*(stored *)(place) = (value))
#define ALL(number) ((number) - (vector){ 0 })

// The larger of each two; GCC makes one instruction of it.
#define LARGER(a, b)                                                                                                   \
    __extension__({                                                                                                    \
        vector a_ = (a), b_ = (b);                                                                                     \
        mask is_larger_ = a_ > b_;                                                                                     \
        (vector)(((mask)a_ & is_larger_) | ((mask)b_ & ~is_larger_));                                                  \
    })

#endif
