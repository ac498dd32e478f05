// RUN: %moe-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect --cpu-allocate-arena

func.func @data(%x: memref<?xi64> {moe.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  // expected-note @below {{because of this value}}
  %v = memref.load %x[%c0] : memref<?xi64>
  %n = arith.index_cast %v : i64 to index
  // expected-error @below {{has a size that does not follow from the sizes of arguments}}
  %a = memref.alloc(%n) : memref<?xf32>
  "test.use"(%a) : (memref<?xf32>) -> ()
  return
}

// -----

// expected-error @below {{argument 0 has an element type that no host knows: 'i4'}}
func.func @dtype(%x: memref<4xi4>) {
  return
}

// -----

// expected-error @below {{argument 0 is not a tensor, found 'f32'}}
func.func @scalar(%x: f32) {
  return
}

// -----

// expected-error @below {{argument 0 has 2 names in moe.dims, expected 1}}
func.func @dims(%x: memref<?xf32> {moe.dims = ["T", "8"]}) {
  return
}

// -----

// expected-error @below {{result 0 has a dynamic dimension 0 without a name in moe.dims}}
func.func @result(%x: memref<?xf32> {moe.result}) {
  return
}

// -----

// expected-error @below {{result 0 has a dimension 'U' that no argument has}}
func.func @unknown(%x: memref<?xf32> {moe.dims = ["T"]}, %y: memref<?xf32> {moe.result, moe.dims = ["U"]}) {
  return
}
