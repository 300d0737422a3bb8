"""Two texts laid along each other (Levenshtein 1966, Needleman and Wunsch 1970)."""


def distance(one: str, other: str) -> int:
    """How many characters must be changed, added or left out."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def matches(one: str, other: str) -> list[tuple[int, int]]:
    """Places of ``one`` and ``other`` that stand opposite each other in the cheapest alignment."""
    rows, columns = len(one) + 1, len(other) + 1
    cost = [[i + j for j in range(columns)] for i in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            cost[i][j] = min(
                cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (one[i - 1] != other[j - 1])
            )
    pairs, i, j = [], rows - 1, columns - 1
    while i and j:
        if cost[i][j] == cost[i - 1][j - 1] + (one[i - 1] != other[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def alike(one: str, other: str) -> float:
    """1 for equal texts, 0 for those without a common character."""
    longest = max(len(one), len(other))
    return 1 - distance(one, other) / longest if longest else 1.0
