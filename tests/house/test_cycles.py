"""Import cycles of the package are of at most three files, type-only imports included."""

import grimp

LARGEST = 3


def strongly_connected(graph):
    """Strongly connected components of a graph {file: files that it imports} (Tarjan 1972)."""
    index, low, stack, on_stack, components = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on_stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            members = []
            while not members or members[-1] != node:
                members.append(stack.pop())
                on_stack.discard(members[-1])
            components.append(sorted(members))

    for node in graph:
        if node not in index:
            visit(node)
    return components


def test_no_cycle_is_larger_than_three_files():
    built = grimp.build_graph("sparsetime", cache_dir=None)
    # The package's own file names the public surface and imports it lazily.
    files = sorted(built.modules - {"sparsetime"})
    graph = {
        file: sorted(built.find_modules_directly_imported_by(file) - {"sparsetime"})
        for file in files
    }
    assert [members for members in strongly_connected(graph) if len(members) > LARGEST] == []


def test_a_cycle_is_found():
    graph = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": []}
    assert sorted(map(len, strongly_connected(graph))) == [1, 3]
