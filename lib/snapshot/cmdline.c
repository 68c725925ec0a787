/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/cmdline.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"

/* Ends in '.': every parameter of that module. */
static const char *const switches[] = {
    "mitigations", "tsx",        "clearcpuid", "nosmt",
    "no5lvl",      "spectre_v2", "kvm.",       "kvm_intel.",
    "kvm_amd.",    "kvm-intel.", "kvm-amd.",   "spec_store_bypass_disable",
};

/* Length of the name in front of '=' or white space. */
static size_t name_len(const char *word)
{
    return strcspn(word, "= \t\r\n");
}

static bool matters(const char *word)
{
    size_t len = name_len(word);

    for (size_t i = 0; i < MIG_COUNT(switches); i++) {
        size_t known = strlen(switches[i]);

        if (mig_text_ends(switches[i], ".")
                ? len > known && strncmp(word, switches[i], known) == 0
                : len == known && strncmp(word, switches[i], len) == 0) {
            return true;
        }
    }
    return false;
}

static const char *next_word(const char *word)
{
    word += strcspn(word, " \t\r\n");
    return word + strspn(word, " \t\r\n");
}

static bool is_given_again(const char *word)
{
    size_t len = name_len(word);

    for (const char *later = next_word(word); *later != '\0'; later = next_word(later)) {
        if (name_len(later) == len && strncmp(later, word, len) == 0) {
            return true;
        }
    }
    return false;
}

void mig_cmdline_add_facts(struct mig_builder *b, const char *text, const char *source)
{
    const char *word = text + strspn(text, " \t\r\n");

    for (; *word != '\0'; word = next_word(word)) {
        size_t len = name_len(word), whole = strcspn(word, " \t\r\n");
        MIG_AUTO(mig_free) char *name = NULL;
        MIG_AUTO(mig_free) char *value = NULL;

        if (!matters(word) || is_given_again(word)) {
            continue;
        }
        name = mig_strf("cmdline.%.*s", (int)len, word);
        value = whole > len ? mig_strndup(word + len + 1, whole - len - 1) : mig_strdup("");
        mig_builder_add_fact(b, name, value, source);
    }
}
