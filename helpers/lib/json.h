/*
 * json.h - JSON that others wrote, read as the engines read it; apart from lib.h since few helpers need JSON.
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>

#include "lib/io.h"

/* A document of size bytes; NULL: why says what is wrong with it. The caller decrefs. */
json_t *read_json(const char *text, size_t size, char why[WHY]);

/* A string of any bytes, as a value: what is not UTF-8 in it is U+FFFD. The caller decrefs. */
json_t *json_words(const char *text);

/* The string that the object has under that key; "" where it has none, or is no object. The object's. */
const char *json_text(json_t *object, const char *key);

#endif
