/*
 * json.h - JSON that others wrote, read as the engines read it; apart from lib.h since few helpers need JSON.
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>

#include "lib/io.h"

json_t *read_json(const char *text, size_t size, char why[WHY]);
json_t *json_words(const char *text);

#endif
