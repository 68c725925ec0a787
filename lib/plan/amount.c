/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/amount.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"

#define EXACT_MAX 9007199254740992.0
#define DIGITS_MAX 15

/* Digits with at most one point between them; never a sign or an exponent. */
static const char *read_number(const char *s, double *ret)
{
    double value = 0, place = 1;
    size_t digits = 0;
    bool fraction = false;

    for (; isdigit((unsigned char)*s) || (*s == '.' && !fraction && digits > 0); s++) {
        if (*s == '.') {
            fraction = true;
            continue;
        }
        if (++digits > DIGITS_MAX) {
            return NULL;
        }
        value = value * 10 + (*s - '0');
        place *= fraction ? 10 : 1;
    }
    *ret = value / place;
    return digits > 0 && s[-1] != '.' ? s : NULL;
}

static const char *read_scale(const char *s, double *value)
{
    static const char letters[] = "kMGT";
    const char *at = *s == 'K' ? letters : *s != '\0' ? strchr(letters, *s) : NULL;

    if (at == NULL) {
        return s;
    }
    for (const char *l = letters; l <= at; l++) {
        *value *= s[1] == 'i' ? 1024 : 1000;
    }
    return s + (s[1] == 'i' ? 2 : 1);
}

bool mig_amount_parse(const char *text, bool bits, uint64_t *ret_bytes)
{
    double value;
    const char *s = read_number(text, &value);

    if (s == NULL) {
        return false;
    }
    s = read_scale(s, &value);
    if (strncmp(s, "bit", 3) == 0) {
        bits = true;
        s += 3;
    } else if (*s == 'B') {
        bits = false;
        s++;
    }
    if (strcmp(s, "") != 0 && strcmp(s, "/s") != 0) {
        return false;
    }
    value /= bits ? 8 : 1;
    if (value < 1 || value > EXACT_MAX) {
        return false;
    }
    *ret_bytes = (uint64_t)value;
    return true;
}

void mig_amount_print(uint64_t bytes, char ret[MIG_AMOUNT_MAX])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t i = 0;

    for (; value >= 999.5 && i + 1 < MIG_COUNT(units); i++) {
        value /= 1000;
    }
    (void)snprintf(ret, MIG_AMOUNT_MAX, "%.3g %s", value, units[i]);
}

void mig_amount_print_ms(uint64_t ms, char ret[MIG_AMOUNT_MAX])
{
    const unsigned long long s = ms / 1000;

    if (s >= 3600) {
        (void)snprintf(ret, MIG_AMOUNT_MAX, "%llu h %llu min", s / 3600, s / 60 % 60);
    } else if (s >= 60) {
        (void)snprintf(ret, MIG_AMOUNT_MAX, "%llu min %llu s", s / 60, s % 60);
    } else if (s >= 1) {
        (void)snprintf(ret, MIG_AMOUNT_MAX, "%.1f s", (double)ms / 1000);
    } else {
        (void)snprintf(ret, MIG_AMOUNT_MAX, "%llu ms", (unsigned long long)ms);
    }
}
