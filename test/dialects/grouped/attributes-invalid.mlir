// RUN: moe-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{panels expects 1 or 2 parts, got 3}}
func.func private @parts() attributes {a = #grouped.panels<parts = 3, columns = 1, depth = 1>}

// -----

// expected-error @+1 {{panels expects at least one column and depth, got 0 and 4}}
func.func private @empty() attributes {a = #grouped.panels<parts = 1, columns = 0, depth = 4>}

// -----

// expected-error @+1 {{packed expects one name and one value per part (2), got 1 and 1}}
func.func private @names() attributes {a = #grouped.packed<["g"], [0], #grouped.panels<parts = 2, columns = 1, depth = 4>, nk>}

// -----

// expected-error @+1 {{tile expects positive sizes}}
func.func private @size() attributes {a = #grouped.tile<rows = 0, depth = 2, panels = 1, task_panels = 1>}

// -----

// expected-error @+1 {{tile expects an even depth, got 3}}
func.func private @odd() attributes {a = #grouped.tile<rows = 1, depth = 3, panels = 1, task_panels = 1>}
