"""Numbers of every country, as people write them, with what Google's libphonenumber (its port for Python) reads.

    python numbers.py > ../../../bridge/tests/text/numbers.json

Made of the library's examples of each country and kind, and of numbers near them that it calls valid. The seed is fixed: another run of the same
version writes the same file.
"""
import json
import random

import phonenumbers as lib
from phonenumbers import PhoneNumberFormat as Format
from phonenumbers import PhoneNumberType as Type

rng = random.Random(20260115)
KINDS = [Type.MOBILE, Type.FIXED_LINE, Type.TOLL_FREE, Type.SHARED_COST, Type.VOIP, Type.UAN, Type.PERSONAL_NUMBER, Type.PREMIUM_RATE]
PER_KIND = {Type.MOBILE: 8, Type.FIXED_LINE: 4}


def near(number):
    """The same number with its last digits changed."""
    text = str(number.national_number)
    keep = rng.randint(1, max(1, len(text) - 1))
    changed = text[:keep] + "".join(rng.choice("0123456789") for _ in text[keep:])
    other = lib.PhoneNumber()
    other.merge_from(number)
    other.national_number = int(changed)
    return other if len(str(other.national_number)) == len(text) and lib.is_valid_number(other) else None


def written(number, region):
    """The ways in which people write it abroad."""
    e164 = lib.format_number(number, Format.E164)
    international = lib.format_number(number, Format.INTERNATIONAL)
    yield e164
    yield e164[1:]
    yield "00" + e164[1:]
    yield international
    yield international.replace(" ", "-")
    yield international.replace(" ", "\u00a0")
    trunk = lib.ndd_prefix_for_region(region, True) if region != "001" else None
    if trunk == "0":
        code, _, rest = international.partition(" ")
        # +44 (0)20 7946 0018: the zero is for callers at home.
        yield f"{code} (0){rest}"
        yield f"{code}(0){rest}"
        yield f"{code} (0) {rest}"
    if region == "IT" and international.startswith("+39 0"):
        # Here the zero is part of the number.
        yield international.replace("+39 0", "+39 (0)")


rows = []
for region in sorted(lib.SUPPORTED_REGIONS) + sorted({lib.region_code_for_country_code(code) + str(code) for code in lib.COUNTRY_CODES_FOR_NON_GEO_REGIONS}):
    for kind in KINDS:
        if region.startswith("001"):
            example = lib.example_number_for_non_geo_entity(int(region[3:])) if kind == Type.MOBILE else None
        else:
            example = lib.example_number_for_type(region, kind)
        if example is None:
            continue
        numbers = {lib.format_number(example, Format.E164): example}
        for _ in range(200):
            if len(numbers) > PER_KIND.get(kind, 1):
                break
            other = near(example)
            if other is not None:
                numbers[lib.format_number(other, Format.E164)] = other
        for e164, number in numbers.items():
            # All ways for the first of a kind, the plain one for the rest.
            for text in written(number, region[:3] if region.startswith("001") else region) if number is example else [e164]:
                try:
                    read = lib.parse(text if text.startswith("+") else "+" + text.removeprefix("00"), None)
                except lib.NumberParseException as error:
                    raise SystemExit(f"{text}: {error}")
                # A country with several kinds of trunk prefix: the library reads nonsense.
                if lib.is_valid_number(read):
                    rows.append([text, lib.format_number(read, Format.E164)])

national = []
for region in sorted(lib.SUPPORTED_REGIONS):
    example = lib.example_number_for_type(region, Type.MOBILE)
    if example is not None:
        text = lib.format_number(example, Format.NATIONAL)
        national.append([region, text, lib.format_number(example, Format.E164)])

lines = ",\n".join(json.dumps(row) for row in rows)
homes = ",\n".join(json.dumps(row) for row in national)
print(f'{{"version": "{lib.__version__}",\n"abroad": [\n{lines}\n],\n"home": [\n{homes}\n]}}')
