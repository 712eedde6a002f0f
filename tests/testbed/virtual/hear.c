// A microphone without a card, as fast as the machine goes: writes the echo that room.c makes of the tapes it is given.
//
//   hear TAPE RESPONSE DELAY_US CLIP START_NS DRIFT_PPB FRAMES
//
// Frames go to the standard output; to the error output, how many ticks it had to wait, and how many taps count.

#include "../../../edgevoice/testbed/virtual/room.c"

int main(int count, char **arguments)
{
    if (count != 8)
        return 2;
    struct room *room = new_room(arguments[1], arguments[2], strtoull(arguments[3], NULL, 10), atof(arguments[4]));
    if (!room)
        return 1;
    struct tape_header near = { .rate_hz = ROOM_RATE_HZ, .channels = 1 };
    near.start_ns = strtoull(arguments[5], NULL, 10);
    near.drift_ppb = strtoll(arguments[6], NULL, 10);
    uint64_t end = strtoull(arguments[7], NULL, 10);
    int ticks = 0;
    while (near.frames < end) {
        int16_t samples[32] = { 0 };
        size_t frames = listen_to_speaker(room, &near, end - near.frames < 32 ? end - near.frames : 32);
        if (!frames) {
            count_tick(room);
            ticks++;
            continue;
        }
        add_echo(room, samples, 1, frames);
        fwrite(samples, sizeof *samples, frames, stdout);
        near.frames += frames;
    }
    size_t taps = 0;
    for (size_t i = 0; i < room->taps; i++)
        taps += room->response[i] != 0;
    fprintf(stderr, "%d %zu", ticks, taps);
    free_room(room);
    return 0;
}
