/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

/* Copy the digits of @text over the zeros of @shape; else they must agree. */
static bool fits(const char *text, const char *shape)
{
    size_t len = strlen(shape);

    for (size_t i = 0; i < len; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (shape[i] == '0' ? !digit : text[i] != shape[i]) {
            return false;
        }
    }
    return text[len] == '\0';
}

static int number(const char *text, size_t len)
{
    uint64_t value = 0;

    MIG_ASSERT(mig_text_digits(text, len, 10, 9999, &value));
    return (int)value;
}

bool mig_date_parse(const char *text, int64_t *ret, struct mig_error *err)
{
    bool with_time = fits(text, "0000-00-00T00:00:00Z");
    struct tm tm = {0}, again;
    int64_t when;

    if (with_time || fits(text, "0000-00-00")) {
        tm.tm_year = number(text, 4) - 1900;
        tm.tm_mon = number(text + 5, 2) - 1;
        tm.tm_mday = number(text + 8, 2);
        tm.tm_hour = with_time ? number(text + 11, 2) : 0;
        tm.tm_min = with_time ? number(text + 14, 2) : 0;
        tm.tm_sec = with_time ? number(text + 17, 2) : 0;
        again = tm;
        when = timegm(&again);
        /* timegm() makes the 31st of June the 1st of July. */
        if (when >= 0 && tm.tm_mon == again.tm_mon && tm.tm_mday == again.tm_mday &&
            tm.tm_hour == again.tm_hour && tm.tm_min == again.tm_min && tm.tm_sec == again.tm_sec) {
            *ret = when;
            return true;
        }
    }
    return mig_fail(err, MIG_USAGE,
                    "expected a date such as 2026-11-21 or 2026-11-21T08:30:00Z, got '%s'", text);
}

void mig_date_format(int64_t when, char ret[MIG_DATE_TEXT])
{
    time_t seconds = when;
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(ret, MIG_DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        (void)snprintf(ret, MIG_DATE_TEXT, "out of range");
    }
}
