// RUN: moe-opt %s --moe-select-strategy --verify-diagnostics --split-input-file

// expected-error @+1 {{target description expects a positive number for moec.cores, got 0 : i64}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<"moec.cores" = 0 : i64>>} {
}

// -----

// expected-error @+1 {{target description expects a positive number for moec.read_gbps, got "fast"}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<"moec.read_gbps" = "fast">>} {
}
