/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu_head FILE: what the head of a QEMU migration stream says, a word a
 * line, and the eight bytes behind it; of a multifd channel its hello.
 */
#include "gate/qemu_head.h"

#include <stdio.h>

#include "base/file.h"
#include "gate/qemu_check.h"
#include "gate/qemu_hello.h"

#define FILE_MAX (64u << 20)
#define CHUNK 7 /* an element rarely comes in one piece */

static void print_stream(const struct mig_qemu_stream *s)
{
    char uuid[MIG_QEMU_UUID_TEXT];

    mig_qemu_uuid_format(s->uuid, uuid);
    (void)printf("machine %s\nuuid %s\npage-bits %u\nram %llu\nsection %u\n", s->machine,
                 s->has_uuid ? uuid : "none", s->page_bits, (unsigned long long)s->ram_bytes,
                 s->section);
    for (size_t i = 0; i < s->capabilities.len; i++) {
        (void)printf("capability %s\n", s->capabilities.items[i].text);
    }
    (void)printf("commands%s%s%s%s ping %u\n",
                 s->commands & MIG_QEMU_RETURN_PATH ? " return-path" : "",
                 s->commands & MIG_QEMU_POSTCOPY_RAM ? " postcopy-ram" : "",
                 s->commands & MIG_QEMU_DIRTY_BITMAPS ? " dirty-bitmaps" : "",
                 s->commands & MIG_QEMU_COLO ? " x-colo" : "", s->ping);
    for (size_t i = 0; i < s->blocks.len; i++) {
        const struct mig_qemu_block *b = &s->blocks.items[i];

        (void)printf("block %s bytes %llu page %llu", b->name, (unsigned long long)b->bytes,
                     (unsigned long long)b->page_bytes);
        if (b->has_address) {
            (void)printf(" address 0x%llx", (unsigned long long)b->address);
        }
        (void)putchar('\n');
    }
    (void)printf("multifd-flush %d\nhead %zu\n", s->multifd_flush, s->head_bytes);
}

static bool print_hello(const struct mig_bytes *file, struct mig_error *err)
{
    struct mig_qemu_hello hello;
    char uuid[MIG_QEMU_UUID_TEXT];

    if (file->len < MIG_QEMU_HELLO_BYTES) {
        return mig_fail(err, MIG_FORMAT, "%zu bytes, expected %d", file->len, MIG_QEMU_HELLO_BYTES);
    }
    if (!mig_qemu_hello_decode(file->items, &hello, err)) {
        return false;
    }
    mig_qemu_uuid_format(hello.uuid, uuid);
    (void)printf("channel %u\nuuid %s\n", hello.channel, uuid);
    return true;
}

static bool print_head(const struct mig_bytes *file, struct mig_error *err)
{
    MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
    enum mig_qemu_state state = MIG_QEMU_NEEDS_MORE;
    size_t at = 0;

    while (state == MIG_QEMU_NEEDS_MORE && at < file->len) {
        size_t used = 0, left = file->len - at;

        state = mig_qemu_head_feed(h, file->items + at, left < CHUNK ? left : CHUNK, &used, err);
        at += used;
    }
    if (state != MIG_QEMU_DONE) {
        return mig_qemu_head_ended(h, err);
    }
    print_stream(mig_qemu_head_stream(h));
    (void)printf("behind");
    for (size_t i = 0; i < 8 && at + i < file->len; i++) {
        (void)printf(" %02x", file->items[at + i]);
    }
    (void)putchar('\n');
    return true;
}

int main(int argc, char **argv)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    struct mig_error err;

    if (argc != 2 || !mig_file_read(argv[1], FILE_MAX, &file, &err) ||
        !(file.len >= MIG_QEMU_FIRST_BYTES &&
                  mig_qemu_channel_of(file.items) == MIG_QEMU_CHANNEL_MULTIFD
              ? print_hello(&file, &err)
              : print_head(&file, &err))) {
        (void)fprintf(stderr, "qemu_head: %s\n", argc == 2 ? err.msg : "usage: qemu_head FILE");
        return 1;
    }
    return 0;
}
