/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/qemu_head.h"

#include <string.h>

#include "base/array.h"
#include "base/text.h"

/* migration/savevm.c and ram.c of QEMU; integers have the high byte first. */
#define MAGIC 0x5145564du /* "QEVM" */
#define VERSION 3u
#define SECTION_START 0x01u
#define SUBSECTION 0x05u
#define CONFIGURATION 0x07u
#define COMMAND 0x08u
#define FOOTER 0x7eu
#define RAM_VERSION 4u
#define FLAG_BITS 0xfffu
#define FLAG_MEM_SIZE 0x04u
#define FLAG_EOS 0x10u
#define FLAG_MULTIFD_FLUSH 0x200u
#define SMALLEST_PAGE 4096u

/* Copied and read in steps, so that nothing behind the head is kept. */
#define STEP_BYTES 4096u

/* Bytes of one element; running out of them is no error but a wait. */
struct cut {
    const unsigned char *bytes;
    size_t len, at;
    bool is_short;
};

struct step;
typedef bool step_fn(struct mig_qemu_head *h, struct cut *c, struct mig_error *err);

/* What is read next.  A step that finds too few bytes has changed nothing and
 * is tried again. */
struct step {
    step_fn *run;
    const char *what;
};

struct mig_qemu_head {
    struct mig_qemu_stream stream;
    struct {
        unsigned char *items;
        size_t len, cap;
    } bytes;
    size_t at; /* start of the next element */
    const struct step *next;
    bool in_configuration;
    unsigned seen;     /* subsections and commands, each once */
    uint64_t ram_left; /* of the block list */
    struct mig_error refusal;
};

static const struct step magic, version, configuration, part, ram_size, block, page_size, ram_end,
    footer;

/* ---- bytes ---- */

static uint64_t take(struct cut *c, size_t width)
{
    uint64_t value = 0;

    if (c->is_short || c->len - c->at < width) {
        c->is_short = true;
        return 0;
    }
    for (size_t i = 0; i < width; i++) {
        value = value << 8 | c->bytes[c->at++];
    }
    return value;
}

static const unsigned char *take_bytes(struct cut *c, size_t len)
{
    if (c->is_short || c->len - c->at < len) {
        c->is_short = true;
        return NULL;
    }
    c->at += len;
    return c->bytes + c->at - len;
}

/* @len bytes of a name; false with an error only for what is no name. */
static bool take_name(struct cut *c, uint64_t len, const char *what, char ret[MIG_QEMU_NAME],
                      struct mig_error *err)
{
    const unsigned char *bytes;

    if (c->is_short) {
        return true;
    }
    if (len == 0 || len >= MIG_QEMU_NAME) {
        return mig_fail(err, MIG_LIMIT, "%s of %llu bytes, expected 1 to %d", what,
                        (unsigned long long)len, MIG_QEMU_NAME - 1);
    }
    bytes = take_bytes(c, len);
    for (size_t i = 0; bytes != NULL && i < len; i++) {
        if (bytes[i] < 0x20 || bytes[i] > 0x7e) {
            return mig_fail(err, MIG_FORMAT, "%s holds byte 0x%02x, expected printable ASCII", what,
                            bytes[i]);
        }
        ret[i] = (char)bytes[i];
    }
    ret[len] = '\0';
    return true;
}

/* ---- start and configuration ---- */

static bool read_magic(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t got = take(c, 4);

    if (!c->is_short && got != MAGIC) {
        return mig_fail(err, MIG_FORMAT, "magic is 0x%08llx, expected 0x%08x (QEVM)",
                        (unsigned long long)got, MAGIC);
    }
    h->next = &version;
    return true;
}

static bool read_version(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t got = take(c, 4);

    if (!c->is_short && got != VERSION) {
        return mig_fail(err, MIG_FORMAT, "version is %llu, expected %u", (unsigned long long)got,
                        VERSION);
    }
    h->next = &configuration;
    return true;
}

static bool read_configuration(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t type = take(c, 1), len;

    if (!c->is_short && type != CONFIGURATION) {
        return mig_fail(err, MIG_FORMAT,
                        "section type is 0x%02llx, expected 0x%02x (CONFIGURATION, which names the "
                        "machine type; machine types up to 2.3 and send-configuration=off lack it)",
                        (unsigned long long)type, CONFIGURATION);
    }
    len = take(c, 4);
    h->in_configuration = true;
    h->next = &part;
    return take_name(c, len, "machine type", h->stream.machine, err);
}

static bool read_page_bits(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t bits = take(c, 4);

    if (!c->is_short && (bits < 10 || bits > 16)) {
        return mig_fail(err, MIG_FORMAT, "target-page-bits is %llu, expected 10 to 16",
                        (unsigned long long)bits);
    }
    h->stream.page_bits = (uint32_t)bits;
    return true;
}

static bool read_capabilities(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t count = take(c, 4);

    if (count > MIG_QEMU_CAPABILITIES_MAX) {
        return mig_fail(err, MIG_LIMIT, "%llu capabilities, expected at most %d",
                        (unsigned long long)count, MIG_QEMU_CAPABILITIES_MAX);
    }
    h->stream.capabilities.len = 0; /* tried before with too few bytes */
    for (uint64_t i = 0; i < count && !c->is_short; i++) {
        uint64_t len = take(c, 1);
        struct mig_qemu_name *name = MIG_PUSH(&h->stream.capabilities);

        if (!take_name(c, len, "capability", name->text, err)) {
            return false;
        }
    }
    return true;
}

static bool read_uuid(struct mig_qemu_head *h, struct cut *c,
                      struct mig_error *err __attribute__((unused)))
{
    const unsigned char *bytes = take_bytes(c, MIG_QEMU_UUID);

    if (bytes != NULL) {
        memcpy(h->stream.uuid, bytes, MIG_QEMU_UUID);
        h->stream.has_uuid = true;
    }
    return true;
}

static const struct {
    const char *name;
    step_fn *read;
} subsections[] = {
    {"configuration/target-page-bits", read_page_bits   },
    {"configuration/capabilities",     read_capabilities},
    {"configuration/uuid",             read_uuid        },
};

/* Each subsection and each command comes once. */
static bool see(struct mig_qemu_head *h, const struct cut *c, unsigned bit, const char *name,
                struct mig_error *err)
{
    if (c->is_short) {
        return true;
    }
    if ((h->seen & 1u << bit) != 0) {
        return mig_fail(err, MIG_FORMAT, "second %s, expected at most one", name);
    }
    h->seen |= 1u << bit;
    return true;
}

static bool read_subsection(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t len = take(c, 1), got;
    char name[MIG_QEMU_NAME] = "";

    if (!take_name(c, len, "name of a subsection", name, err)) {
        return false;
    }
    got = take(c, 4);
    if (c->is_short) {
        return true;
    }
    for (unsigned i = 0; i < MIG_COUNT(subsections); i++) {
        if (strcmp(name, subsections[i].name) != 0) {
            continue;
        }
        if (got != 1) {
            return mig_fail(err, MIG_FORMAT, "%s has version %llu, expected 1", name,
                            (unsigned long long)got);
        }
        return subsections[i].read(h, c, err) && see(h, c, i, name, err);
    }
    return mig_fail(err, MIG_FORMAT,
                    "subsection '%s' is not known, expected target-page-bits, capabilities or uuid",
                    name);
}

/* ---- commands ---- */

static bool read_nothing(struct mig_qemu_head *h __attribute__((unused)),
                         struct cut *c __attribute__((unused)),
                         struct mig_error *err __attribute__((unused)))
{
    return true;
}

static bool read_ping(struct mig_qemu_head *h, struct cut *c,
                      struct mig_error *err __attribute__((unused)))
{
    h->stream.ping = (uint32_t)take(c, 4);
    return true;
}

static bool read_advice(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t sizes = take(c, 8), target = take(c, 8);

    if (c->is_short) {
        return true;
    }
    if (sizes < SMALLEST_PAGE || target == 0 || (target & (target - 1)) != 0) {
        return mig_fail(err, MIG_FORMAT,
                        "POSTCOPY_ADVISE tells page sizes 0x%llx and target page 0x%llx, expected "
                        "a sum from 0x%x and a power of two",
                        (unsigned long long)sizes, (unsigned long long)target, SMALLEST_PAGE);
    }
    h->stream.page_sizes = sizes;
    h->stream.target_page_bytes = target;
    return true;
}

/* Those that may come before memory; the first bits of seen are subsections'. */
static const struct {
    const char *name;
    uint16_t number, len;
    unsigned seen;
    unsigned shows;
    step_fn *read;
} commands[] = {
    {"OPEN_RETURN_PATH", 1, 0,  8,  MIG_QEMU_RETURN_PATH,   read_nothing},
    {"PING",             2, 4,  9,  0,                      read_ping   },
    {"POSTCOPY_ADVISE",  3, 0,  10, MIG_QEMU_DIRTY_BITMAPS, read_nothing},
    {"POSTCOPY_ADVISE",  3, 16, 10, MIG_QEMU_POSTCOPY_RAM,  read_advice },
    {"ENABLE_COLO",      9, 0,  11, MIG_QEMU_COLO,          read_nothing},
};

static bool read_command(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t number = take(c, 2), len = take(c, 2);
    const char *known = NULL;

    if (c->is_short) {
        return true;
    }
    for (size_t i = 0; i < MIG_COUNT(commands); i++) {
        if (commands[i].number == number && commands[i].len == len) {
            if (!commands[i].read(h, c, err) ||
                !see(h, c, commands[i].seen, commands[i].name, err)) {
                return false;
            }
            h->stream.commands |= c->is_short ? 0 : commands[i].shows;
            return true;
        }
        known = commands[i].number == number ? commands[i].name : known;
    }
    if (known != NULL) {
        return mig_fail(err, MIG_FORMAT, "command %s has %llu bytes, expected %s", known,
                        (unsigned long long)len,
                        number == 3 ? "0 or 16" : (number == 2 ? "4" : "0"));
    }
    return mig_fail(err, MIG_FORMAT,
                    "command %llu before memory, expected OPEN_RETURN_PATH (1), PING (2), "
                    "POSTCOPY_ADVISE (3) or ENABLE_COLO (9)",
                    (unsigned long long)number);
}

/* ---- RAM ---- */

static bool has_capability(const struct mig_qemu_stream *s, const char *name)
{
    for (size_t i = 0; i < s->capabilities.len; i++) {
        if (strcmp(s->capabilities.items[i].text, name) == 0) {
            return true;
        }
    }
    return false;
}

/* What changes the shape of the block list in a way that no stream has. */
static bool check_shape(const struct mig_qemu_head *h, struct mig_error *err)
{
    if (has_capability(&h->stream, "mapped-ram")) {
        return mig_fail(err, MIG_FORMAT,
                        "capability mapped-ram is for files, expected a stream without it");
    }
    if (has_capability(&h->stream, "x-ignore-shared") &&
        (h->stream.commands & MIG_QEMU_POSTCOPY_RAM) != 0) {
        return mig_fail(err, MIG_FORMAT,
                        "x-ignore-shared together with postcopy-ram, expected one of them");
    }
    return true;
}

static bool read_start(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t section = take(c, 4), len = take(c, 1), instance, got;
    char name[MIG_QEMU_NAME] = "";

    if (!take_name(c, len, "name of a section", name, err)) {
        return false;
    }
    instance = take(c, 4);
    got = take(c, 4);
    if (c->is_short) {
        return true;
    }
    if (strcmp(name, "ram") != 0) {
        return mig_fail(err, MIG_FORMAT, "first section is '%s', expected 'ram'", name);
    }
    if (instance != 0 || got != RAM_VERSION) {
        return mig_fail(err, MIG_FORMAT,
                        "section 'ram' has instance %llu and version %llu, expected 0 and %u",
                        (unsigned long long)instance, (unsigned long long)got, RAM_VERSION);
    }
    h->stream.section = (uint32_t)section;
    h->next = &ram_size;
    return check_shape(h, err);
}

/* Behind the machine type: subsections of it, then commands, then RAM. */
static bool read_part(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t type = take(c, 1);

    if (c->is_short) {
        return true;
    }
    if (type == SUBSECTION && h->in_configuration) {
        return read_subsection(h, c, err);
    }
    if (type == COMMAND) {
        h->in_configuration = false;
        return read_command(h, c, err);
    }
    if (type == SECTION_START) {
        return read_start(h, c, err);
    }
    return mig_fail(
        err, MIG_FORMAT,
        "section type is 0x%02llx, expected %s0x%02x (command) or 0x%02x (start of 'ram')",
        (unsigned long long)type, h->in_configuration ? "0x05 (subsection), " : "", COMMAND,
        SECTION_START);
}

static bool read_ram_size(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t word = take(c, 8);

    if (c->is_short) {
        return true;
    }
    if ((word & FLAG_BITS) != FLAG_MEM_SIZE || (word & ~(uint64_t)FLAG_BITS) == 0) {
        return mig_fail(
            err, MIG_FORMAT,
            "first word of 'ram' is 0x%llx, expected a size with flag 0x%02x (MEM_SIZE)",
            (unsigned long long)word, FLAG_MEM_SIZE);
    }
    h->stream.ram_bytes = h->ram_left = word & ~(uint64_t)FLAG_BITS;
    h->next = &block;
    return true;
}

static bool is_new_name(const struct mig_qemu_head *h, const char *name)
{
    for (size_t i = 0; i < h->stream.blocks.len; i++) {
        if (strcmp(h->stream.blocks.items[i].name, name) == 0) {
            return false;
        }
    }
    return true;
}

static bool read_block(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    struct mig_qemu_block b = {.has_address = has_capability(&h->stream, "x-ignore-shared")};
    uint64_t len = take(c, 1);

    if (!take_name(c, len, "name of a RAM block", b.name, err)) {
        return false;
    }
    b.bytes = take(c, 8);
    b.address = b.has_address ? take(c, 8) : 0;
    if (c->is_short) {
        return true;
    }
    if (b.bytes > h->ram_left) {
        return mig_fail(err, MIG_FORMAT,
                        "RAM block '%s' has %llu bytes, expected at most the %llu that are left of "
                        "the size of RAM",
                        b.name, (unsigned long long)b.bytes, (unsigned long long)h->ram_left);
    }
    if (!is_new_name(h, b.name)) {
        return mig_fail(err, MIG_FORMAT, "second RAM block '%s', expected each name once", b.name);
    }
    if (h->stream.blocks.len == MIG_QEMU_BLOCKS_MAX) {
        return mig_fail(err, MIG_LIMIT, "more RAM blocks than the %d expected at most",
                        MIG_QEMU_BLOCKS_MAX);
    }
    *MIG_PUSH(&h->stream.blocks) = b;
    h->ram_left -= b.bytes;
    h->next = (h->stream.commands & MIG_QEMU_POSTCOPY_RAM) != 0 ? &page_size
              : h->ram_left == 0                                ? &ram_end
                                                                : &block;
    return true;
}

/*
 * Under postcopy a block tells its page size unless it is the host's, which
 * only QEMU knows.  Told apart from what may follow instead: a block's name,
 * whose length is not 0, or the last word of RAM, which is no page size.
 */
static bool read_page_size(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    struct cut ahead = *c;
    uint64_t first = take(&ahead, 1), size;

    h->next = h->ram_left == 0 ? &ram_end : &block;
    if (ahead.is_short || first != 0) {
        c->is_short = ahead.is_short;
        return true;
    }
    ahead = *c;
    size = take(&ahead, 8);
    if (ahead.is_short) {
        c->is_short = true;
        return true;
    }
    if (h->ram_left == 0 && size < SMALLEST_PAGE) {
        return true;
    }
    if (size < SMALLEST_PAGE || (size & (size - 1)) != 0 || (size & h->stream.page_sizes) == 0) {
        return mig_fail(err, MIG_FORMAT,
                        "page size 0x%llx of a RAM block, expected one of 0x%llx (POSTCOPY_ADVISE)",
                        (unsigned long long)size, (unsigned long long)h->stream.page_sizes);
    }
    h->stream.blocks.items[h->stream.blocks.len - 1].page_bytes = size;
    *c = ahead;
    return true;
}

static bool read_ram_end(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t word = take(c, 8);

    if (c->is_short) {
        return true;
    }
    if (word == FLAG_MULTIFD_FLUSH && !h->stream.multifd_flush) {
        h->stream.multifd_flush = true;
        return true;
    }
    if (word != FLAG_EOS) {
        return mig_fail(err, MIG_FORMAT,
                        "word behind the RAM blocks is 0x%llx, expected 0x%02x (end) or 0x%x "
                        "(multifd flush)",
                        (unsigned long long)word, FLAG_EOS, FLAG_MULTIFD_FLUSH);
    }
    h->next = &footer;
    return true;
}

static bool read_footer(struct mig_qemu_head *h, struct cut *c, struct mig_error *err)
{
    uint64_t type = take(c, 1), section = take(c, 4);

    if (c->is_short) {
        return true;
    }
    if (type != FOOTER || section != h->stream.section) {
        return mig_fail(
            err, MIG_FORMAT,
            "footer of 'ram' is 0x%02llx of section %llu, expected 0x%02x of section %u",
            (unsigned long long)type, (unsigned long long)section, FOOTER, h->stream.section);
    }
    h->next = NULL;
    return true;
}

static const struct step magic = {read_magic, "the magic"};
static const struct step version = {read_version, "the version"};
static const struct step configuration = {read_configuration, "the machine type"};
static const struct step part = {read_part, "a subsection, a command or section 'ram'"};
static const struct step ram_size = {read_ram_size, "the size of RAM"};
static const struct step block = {read_block, "a RAM block"};
static const struct step page_size = {read_page_size, "a RAM block"};
static const struct step ram_end = {read_ram_end, "the end of the RAM blocks"};
static const struct step footer = {read_footer, "the footer of 'ram'"};

/* ---- the whole ---- */

struct mig_qemu_head *mig_qemu_head_new(void)
{
    struct mig_qemu_head *h = MIG_NEW(struct mig_qemu_head);

    h->next = &magic;
    return h;
}

void mig_qemu_head_free(struct mig_qemu_head *h)
{
    if (h != NULL) {
        mig_free(h->stream.capabilities.items);
        mig_free(h->stream.blocks.items);
        mig_free(h->bytes.items);
        mig_free(h);
    }
}

static bool keep(struct mig_qemu_head *h, const unsigned char *bytes, size_t len,
                 struct mig_error *err)
{
    if (len > MIG_QEMU_HEAD_MAX - h->bytes.len) {
        return mig_fail(err, MIG_LIMIT, "head is longer than the %u bytes expected at most",
                        MIG_QEMU_HEAD_MAX);
    }
    if (h->bytes.cap - h->bytes.len < len) {
        h->bytes.cap =
            h->bytes.cap * 2 > h->bytes.len + len ? h->bytes.cap * 2 : h->bytes.len + len;
        h->bytes.items = mig_resize(h->bytes.items, h->bytes.cap, 1);
    }
    memcpy(h->bytes.items + h->bytes.len, bytes, len);
    h->bytes.len += len;
    return true;
}

/* Every whole element that is there. */
static bool advance(struct mig_qemu_head *h, struct mig_error *err)
{
    while (h->next != NULL) {
        struct cut c = {.bytes = h->bytes.items + h->at, .len = h->bytes.len - h->at};
        const struct step *step = h->next;

        if (!step->run(h, &c, err)) {
            return false;
        }
        if (c.is_short) {
            h->next = step;
            return true;
        }
        h->at += c.at;
    }
    return true;
}

enum mig_qemu_state mig_qemu_head_feed(struct mig_qemu_head *h, const unsigned char *bytes,
                                       size_t len, size_t *ret_used, struct mig_error *err)
{
    size_t used = 0;

    while (h->refusal.code == MIG_OK && h->next != NULL && used < len) {
        size_t now = len - used < STEP_BYTES ? len - used : STEP_BYTES;

        if (!keep(h, bytes + used, now, &h->refusal) || !advance(h, &h->refusal)) {
            (void)mig_wrap(&h->refusal, "QEMU stream: byte %zu", h->at);
            break;
        }
        used += now;
    }
    if (h->refusal.code != MIG_OK) {
        *err = h->refusal;
        return MIG_QEMU_REFUSED;
    }
    if (h->next == NULL) { /* give back what came behind */
        used -= h->bytes.len - h->at;
        h->bytes.len = h->at;
        h->stream.head_bytes = h->at;
    }
    *ret_used = used;
    return h->next == NULL ? MIG_QEMU_DONE : MIG_QEMU_NEEDS_MORE;
}

bool mig_qemu_head_ended(const struct mig_qemu_head *h, struct mig_error *err)
{
    if (h->refusal.code != MIG_OK) {
        *err = h->refusal;
        return false;
    }
    return mig_fail(err, MIG_FORMAT, "QEMU stream: ended after %zu bytes, expected %s",
                    h->bytes.len, h->next != NULL ? h->next->what : "memory");
}

const struct mig_qemu_stream *mig_qemu_head_stream(const struct mig_qemu_head *h)
{
    MIG_ASSERT(h->next == NULL);
    return &h->stream;
}

const unsigned char *mig_qemu_head_bytes(const struct mig_qemu_head *h, size_t *ret_len)
{
    *ret_len = h->bytes.len;
    return h->bytes.items;
}
