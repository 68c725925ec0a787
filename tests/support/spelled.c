/* SPDX-License-Identifier: Apache-2.0 */
#include "support/spelled.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/check.h"

static void add_number(struct mig_text *t, uint64_t value, uint64_t width)
{
    for (uint64_t i = width; i-- > 0;) {
        char byte = (char)(value >> 8 * i);

        mig_text_add_bytes(t, &byte, 1);
    }
}

static void add_hex(struct mig_text *t, const char *digits, size_t len)
{
    for (size_t i = 0; i < len; i += 2) {
        uint64_t byte = 0;

        check_true(digits, i + 1 < len && mig_text_digits(digits + i, 2, 16, 255, &byte));
        add_number(t, byte, 1);
    }
}

static void add_word(struct mig_text *t, const char *word, size_t len)
{
    switch (word[0]) {
    case '.':
        add_number(t, len - 1, 1);
        mig_text_add_bytes(t, word + 1, len - 1);
        break;
    case '=':
        mig_text_add_bytes(t, word + 1, len - 1);
        break;
    case '#':
        add_hex(t, word + 1, len - 1);
        break;
    case '*':
        for (unsigned long n = strtoul(word + 1, NULL, 10); n > 0; n--) {
            add_number(t, 0, 1);
        }
        break;
    default:
        check_true(word, len > 2 && word[1] == ':');
        add_number(t, strtoull(word + 2, NULL, 0), (uint64_t)(word[0] - '0'));
    }
}

struct mig_bytes spelled(const char *words)
{
    struct mig_text t = {0};

    mig_text_add(&t, "");
    while (*words != '\0') {
        size_t len = strcspn(words, " ");

        if (len > 0) {
            add_word(&t, words, len);
        }
        words += len + (words[len] == ' ' ? 1 : 0);
    }
    return (struct mig_bytes){(unsigned char *)t.items, t.len};
}
