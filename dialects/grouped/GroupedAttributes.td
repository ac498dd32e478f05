// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_GROUPED_GROUPEDATTRIBUTES_TD
#define MOEC_DIALECTS_GROUPED_GROUPEDATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "dialects/grouped/GroupedDialect.td"

def Grouped_RhsLayout : I32EnumAttr<"RhsLayout", "order of the dimensions of a weight", [
    I32EnumAttrCase<"NK", 0, "nk">,
    I32EnumAttrCase<"KN", 1, "kn">]> {
  let cppNamespace = "::moec::grouped";
  let genSpecializedAttr = 0;
}

def Grouped_RhsLayoutAttr
    : EnumAttr<Grouped_Dialect, Grouped_RhsLayout, "rhs_layout">;

class Grouped_Attr<string name, string attrMnemonic>
    : AttrDef<Grouped_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Grouped_BlockCode : I32EnumAttr<"BlockCode", "what number a code of a block is", [
    I32EnumAttrCase<"Int8", 0, "int8">,
    I32EnumAttrCase<"Int4", 1, "int4">,
    I32EnumAttrCase<"UInt4", 2, "uint4">,
    I32EnumAttrCase<"E2M1", 3, "e2m1">,
    I32EnumAttrCase<"E4M3", 4, "e4m3">]> {
  let cppNamespace = "::moec::grouped";
}

def Grouped_BlocksAttr : Grouped_Attr<"Blocks", "blocks"> {
  let summary = "Weights quantised in blocks along the depth";
  let description = [{
    `size` consecutive depth elements of a column share a scale, and with `offset`
    an f32 that is added: `weight = number(code) * scale + offset`. Scales are f16
    (`half`) or f32. Codes have 8 bits (`int8`, `e4m3`) or 4: `int4` is -8 to 7,
    stored plus 8, `uint4` 0 to 15, `e2m1` twice a number of FP4.

    ```mlir
    #grouped.blocks<code = int4, size = 32, half = true, offset = false>
    ```
  }];
  let parameters = (ins "::moec::grouped::BlockCode":$code, "int64_t":$size,
    "bool":$half, "bool":$offset);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bits of a code.
    int64_t getCodeBits() const {
      return getCode() == BlockCode::Int8 || getCode() == BlockCode::E4M3 ? 8 : 4;
    }
    /// Bytes of a block of one lane.
    int64_t getLaneBytes() const {
      return getSize() * getCodeBits() / 8 + (getHalf() ? 2 : 4) +
             (getOffset() ? 4 : 0);
    }
  }];
}

def Grouped_PanelsAttr : Grouped_Attr<"Panels", "panels"> {
  let summary = "Weights packed into panels of 16 columns";
  let description = [{
    `parts` weights `[G, columns, depth]` share a tensor
    `G x NP x ceil(depth / g) x 16 x g`, with `g` = 1 for 32-bit and 2 for 16-bit
    elements. A panel holds `16 / parts` consecutive columns of each part: lane
    `c` of panel `p` is column `p * (16 / parts) + c % (16 / parts)` of part
    `c / (16 / parts)`. Padding is zero.

    With `blocks` the weights are quantised, and the tensor holds bytes: `G x NP x
    (depth / size) x 16 x (bytes of a block of one lane)`. A block of a panel is
    its codes, for each 4 depth elements 16 lanes of 4 bytes, or of 4-bit codes 8
    lanes of which the byte's low half is lane `c` and its high half lane `c + 8`;
    then 16 scales; then 16 offsets.

    ```mlir
    #grouped.panels<parts = 2, columns = 1024, depth = 2048>
    #grouped.panels<parts = 2, columns = 1024, depth = 2048, blocks = <code = int8, size = 32, half = true, offset = false>>
    ```
  }];
  let parameters = (ins "int64_t":$parts, "int64_t":$columns, "int64_t":$depth,
    OptionalParameter<"::moec::grouped::BlocksAttr">:$blocks);
  let builders = [AttrBuilder<(ins "int64_t":$parts, "int64_t":$columns,
                                   "int64_t":$depth), [{
    return $_get($_ctxt, parts, columns, depth, BlocksAttr());
  }]>];
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Columns (lanes) of one panel.
    static constexpr int64_t kLanes = 16;
    /// Consecutive columns of one part in a panel.
    int64_t getPartLanes() const { return kLanes / getParts(); }
    /// Panels of one group.
    int64_t getNumPanels() const {
      return (getColumns() + getPartLanes() - 1) / getPartLanes();
    }
    /// Depth elements that stand together in one lane.
    static int64_t getDepthGroup(::mlir::Type elementType) {
      return elementType.getIntOrFloatBitWidth() == 16 ? 2 : 1;
    }
    /// Shape of the packed tensor of `groups` groups.
    ::llvm::SmallVector<int64_t> getPackedShape(int64_t groups,
                                                ::mlir::Type elementType) const;
  }];
}

def Grouped_PackedAttr : Grouped_Attr<"Packed", "packed"> {
  let summary = "Value of a global whose weights are packed into panels";
  let description = [{
    `names[i]` is the symbol of the global that part `i` was, `values[i]` its
    value (`[G, columns, depth]`, or `[columns, depth]` for one group), as
    `#moe.source`, `#moe.expr` or `#moe.random`. Where `kn` is set, the values
    are `[G, depth, columns]` instead.

    ```mlir
    #grouped.packed<["gate", "up"], [#moe.random<seed = 1, std = 0.02 : f64>, #moe.random<seed = 2, std = 0.02 : f64>],
                    #grouped.panels<parts = 2, columns = 1024, depth = 2048>, nk>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$names,
    ArrayRefParameter<"::mlir::Attribute">:$values,
    "::moec::grouped::PanelsAttr":$panels, "::moec::grouped::RhsLayout":$layout);
  let assemblyFormat = "`<` `[` $names `]` `,` `[` $values `]` `,` qualified($panels) `,` $layout `>`";
  let genVerifyDecl = 1;
}

def Grouped_TileAttr : Grouped_Attr<"Tile", "tile"> {
  let summary = "How a grouped matmul is blocked";
  let description = [{
    * `rows`: rows of a group that one task handles at most (their left-hand side
      is packed once);
    * `depth`: depth block; partial sums of one block live in registers;
    * `panels`: panels of one column block; the partial results of `rows` x
      `panels` stay in the L2 cache;
    * `task_panels`: panels of one parallel task.

    ```mlir
    #grouped.tile<rows = 132, depth = 512, panels = 8, task_panels = 128>
    ```
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$depth, "int64_t":$panels,
                        "int64_t":$task_panels);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // MOEC_DIALECTS_GROUPED_GROUPEDATTRIBUTES_TD
