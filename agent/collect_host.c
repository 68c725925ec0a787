/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/collect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/recall.h"
#include "base/text.h"

#define CMDLINE_FILE "/proc/cmdline"
#define CPUINFO_FILE "/proc/cpuinfo"
#define MICROCODE_FILE "/sys/devices/system/cpu/cpu0/microcode/version"
#define VULNERABILITIES_FOLDER "/sys/devices/system/cpu/vulnerabilities"

static const struct {
    const char *fact, *path;
    bool everywhere;
} files[] = {
#define HOST_FILE(...) {__VA_ARGS__},
#include "agent/host_file.def"
};

static const char *const switches[] = {
#define CMDLINE(name) name,
#include "snapshot/cmdline.def"
};

/* Keys of the first processor in /proc/cpuinfo.  Opening that file makes some
 * kernels interrupt every CPU and wait, so a daemon recalls what it said. */
static const struct {
    const char *fact, *key;
} cpuinfo[] = {
    {"cpu.vendor",     "vendor_id" },
    {"cpu.model-name", "model name"},
    {"microcode",      "microcode" }
};

static void add_files(struct mig_builder *b, int root)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!mig_collect_file_fact(b, root, files[i].fact, files[i].path) && files[i].everywhere) {
            mig_builder_add_unreadable_fact(b, files[i].fact, ENOENT, files[i].path);
        }
    }
}

/* The next word of a kernel command line, quotes kept together; ends it with a
 * NUL.  NULL at the end, and at "--": what follows belongs to init. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t\n");
    char *end = word;
    bool quoted = false;

    while (*end != '\0' && (quoted || strchr(" \t\n", *end) == NULL)) {
        quoted ^= *end == '"';
        end++;
    }
    if (end == word) {
        return NULL;
    }
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return strcmp(word, "--") == 0 ? NULL : word;
}

/* Does the switch @word belong to the row @name?  The kernel reads '-' as '_'. */
static bool matches(const char *word, const char *name)
{
    size_t i;

    for (i = 0; name[i] != '\0'; i++) {
        if ((word[i] == '-' ? '_' : word[i]) != name[i]) {
            return false;
        }
    }
    return name[i - 1] == '.' ? word[i] != '\0' : word[i] == '\0' || word[i] == '=';
}

/* @values holds one text per distinct switch: "name=value", and again for a
 * switch that is repeated " value": all of them, since the kernel adds up some
 * and overrides others. */
struct switches_seen {
    struct {
        char *name; /* borrowed from the command line */
        struct mig_text value;
    } items[64];
    size_t len;
};

static void see(struct switches_seen *seen, char *word)
{
    char *equals = strchr(word, '=');
    const char *value = equals == NULL ? "set" : equals + 1;
    size_t i;

    if (equals != NULL) {
        *equals = '\0';
    }
    for (char *c = word; *c != '\0'; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    for (i = 0; i < seen->len && strcmp(seen->items[i].name, word) != 0; i++) {
    }
    if (i == sizeof seen->items / sizeof *seen->items) {
        return;
    }
    if (i == seen->len) {
        seen->items[seen->len++].name = word;
    } else {
        mig_text_add(&seen->items[i].value, " ");
    }
    mig_text_add(&seen->items[i].value, value);
}

static void add_cmdline(struct mig_builder *b, int root)
{
    char text[MIG_COLLECT_TEXT_MAX], *rest = text, *word;
    struct switches_seen seen = {0};
    int errnum = mig_collect_file_read(root, CMDLINE_FILE, text);

    if (errnum != 0) {
        mig_builder_add_unreadable_fact(b, "cmdline.*", errnum, CMDLINE_FILE);
        return;
    }
    while ((word = next_word(&rest)) != NULL) {
        for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
            if (matches(word, switches[i])) {
                see(&seen, word);
                break;
            }
        }
    }
    for (size_t i = 0; i < seen.len; i++) {
        char name[128];

        (void)snprintf(name, sizeof name, "cmdline.%s", seen.items[i].name);
        mig_builder_add_fact(b, name, seen.items[i].value.items, CMDLINE_FILE);
        mig_text_clear(&seen.items[i].value);
    }
}

/* Value behind "key<tabs>: " at the start of a line, cut at its end; or NULL. */
static char *cpuinfo_value(char *text, const char *key)
{
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        char *colon;

        line += *line == '\n' ? 1 : 0;
        colon = line + strcspn(line, ":\n");
        if (mig_text_starts(line, key) && *colon == ':' &&
            strspn(line + strlen(key), " \t") == (size_t)(colon - line) - strlen(key)) {
            colon[1 + strcspn(colon + 1, "\n")] = '\0';
            return mig_text_trim(colon + 1);
        }
    }
    return NULL;
}

static void add_cpuinfo(struct mig_builder *b, int root, const char *fact, const char *key)
{
    char text[MIG_COLLECT_TEXT_MAX];
    int errnum = mig_collect_file_read(root, CPUINFO_FILE, text);
    const char *value = errnum == 0 ? cpuinfo_value(text, key) : NULL;

    if (errnum != 0) {
        mig_builder_add_unreadable_fact(b, fact, errnum, CPUINFO_FILE);
    } else if (value != NULL) {
        mig_builder_add_fact(b, fact, value, CPUINFO_FILE);
    }
}

static void add_processor(struct mig_builder *b, int root, const struct mig_recall *recall)
{
    bool loaded = mig_collect_file_fact(b, root, "microcode", MICROCODE_FILE);

    for (size_t i = 0; i < sizeof cpuinfo / sizeof *cpuinfo; i++) {
        bool known = loaded && strcmp(cpuinfo[i].fact, "microcode") == 0;

        if (!known && !mig_recall_add(recall, b, cpuinfo[i].fact, &(struct mig_mark){0})) {
            add_cpuinfo(b, root, cpuinfo[i].fact, cpuinfo[i].key);
        }
    }
}

void mig_collect_host_expect(struct mig_recall *recall)
{
    for (size_t i = 0; i < sizeof cpuinfo / sizeof *cpuinfo; i++) {
        mig_recall_expect(recall, cpuinfo[i].fact, &(struct mig_mark){0});
    }
}

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" */
static void add_release(struct mig_builder *b, int root)
{
    static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
    char text[MIG_COLLECT_TEXT_MAX], *rest = text, *line;
    size_t i = 0;
    int errnum = mig_collect_file_read(root, paths[0], text);

    if (errnum == ENOENT) {
        errnum = mig_collect_file_read(root, paths[++i], text);
    }
    if (errnum != 0) {
        if (errnum != ENOENT) {
            mig_builder_add_unreadable_fact(b, "os.release", errnum, paths[i]);
        }
        return;
    }
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (mig_text_starts(line, "PRETTY_NAME=")) {
            char *value = line + strlen("PRETTY_NAME=");

            value += strspn(value, "\"'");
            value[strcspn(value, "\"'")] = '\0';
            mig_builder_add_fact(b, "os.release", value, paths[i]);
            return;
        }
    }
}

void mig_collect_host(struct mig_builder *b, int root, const struct mig_recall *recall)
{
    mig_builder_cover(b, MIG_GROUP_SOFTWARE, MIG_COVER_FULL, 0, "procfs, sysfs");
    add_files(b, root);
    add_cmdline(b, root);
    add_processor(b, root, recall);
    add_release(b, root);
    mig_collect_file_folder(b, root, "vuln.", VULNERABILITIES_FOLDER);
    mig_collect_midr(b, root);
}
