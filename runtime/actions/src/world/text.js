// Values as people read them, for the log and for what is thrown: loaded when one of them first needs more than a
// string. As in Node, but on one line, and nothing of an Action is called: getters are named, not read.

export default (kit) => {
  const { field, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, isArray, isError, keys, peek, quote, Text } = kit
  const indexOf = kit.uncurry(kit.indexOf)
  const slice = kit.uncurry(kit.slice)
  const wellFormed = kit.uncurry(kit.toWellFormed)
  const stackOf = kit.uncurry(kit.stack)
  const symbolText = kit.uncurry(kit.symbolText)
  const dateText = kit.uncurry(kit.dateText)
  const dateValue = kit.uncurry(kit.dateValue)
  const mapEach = kit.uncurry(kit.mapEach)
  const setEach = kit.uncurry(kit.setEach)

  // How deep and how wide values are shown.
  const SHOWN_DEPTH = 2
  const SHOWN_ITEMS = 100
  const WORD = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$"

  // What `console.log(...values)` writes, cut at `room` characters.
  const format = (room, ...values) => {
    const out = { __proto__: null, text: "", room }
    let next = 0
    if (typeof values[0] === "string") {
      put(out, values[0].length > room ? slice(values[0], 0, room + 1) : values[0])
      next = 1
      if (values.length > 1 && indexOf(out.text, "%") >= 0) next = fill(out, values)
    }
    for (let i = next; i < values.length && out.room >= 0; i++) {
      if (i > 0) put(out, " ")
      if (typeof values[i] === "string") put(out, values[i])
      else show(out, values[i], 0, null)
    }
    return wellFormed(out.room < 0 ? `${slice(out.text, 0, room)}...` : out.text)
  }

  // The directives of a format string, each with one of the values after it: gives the first value that is left.
  const fill = (out, values) => {
    const from = out.text
    out.room += out.text.length
    out.text = ""
    let next = 1
    let start = 0
    for (let at = indexOf(from, "%", 0); at >= 0 && at + 1 < from.length; at = indexOf(from, "%", at)) {
      const directive = from[at + 1]
      const known = directive === "%" || (next < values.length && indexOf("sdifjoO", directive) >= 0)
      put(out, slice(from, start, known ? at : at + 1))
      start = at + (known ? 2 : 1)
      at = start
      if (!known) continue
      if (directive === "%") put(out, "%")
      else fillOne(out, directive, values[next++])
    }
    put(out, slice(from, start))
    return next
  }

  const fillOne = (out, directive, value) => {
    if (directive === "s" && typeof value === "string") put(out, value)
    else if (directive === "s" || directive === "j" || directive === "o" || directive === "O") show(out, value, 0, null)
    else if (typeof value === "bigint") put(out, `${value}n`)
    else if (typeof value !== "number") put(out, "NaN")
    else put(out, Text(directive === "i" ? (value - value === 0 ? value - (value % 1) : value) : value))
  }

  const put = (out, text) => {
    if (out.room < 0) return
    if (text.length > out.room) text = slice(text, 0, out.room + 1)
    out.text += text
    out.room -= text.length
  }

  // `seen` is the path to the value: records of an object and the record above.
  const show = (out, value, depth, seen) => {
    switch (typeof value) {
      case "string":
        return put(out, quoted(value, out.room))
      case "number":
        return put(out, value === 0 && 1 / value < 0 ? "-0" : Text(value))
      case "bigint":
        return put(out, `${value}n`)
      case "symbol":
        return put(out, symbolText(value))
      case "function":
        return put(out, nameOfFunction(value))
      case "object":
        return value === null ? put(out, "null") : showObject(out, value, depth, seen)
      default:
        return put(out, Text(value))
    }
  }

  const showObject = (out, value, depth, seen) => {
    for (let above = seen; above !== null; above = above.above) if (above.value === value) return put(out, "[Circular]")
    const path = { __proto__: null, value, above: seen }
    if (isError(value)) return put(out, depth === 0 ? describeError(value, 0).full : `[${describeError(value, 0).text}]`)
    if (isArray(value)) return showArray(out, value, depth, path)
    const special = showSpecial(out, value, depth, path)
    if (special) return undefined
    const name = className(value)
    if (depth > SHOWN_DEPTH) return put(out, `[${name === "" ? "Object" : name}]`)
    if (name !== "" && name !== "Object") put(out, `${name} `)
    return showFields(out, value, depth, path)
  }

  const showArray = (out, value, depth, path) => {
    if (depth > SHOWN_DEPTH) return put(out, "[Array]")
    if (value.length === 0) return put(out, "[]")
    put(out, "[ ")
    const shown = value.length < SHOWN_ITEMS ? value.length : SHOWN_ITEMS
    for (let i = 0; i < shown && out.room >= 0; i++) {
      if (i > 0) put(out, ", ")
      showField(out, value, i, depth, path, "empty")
    }
    if (value.length > shown) put(out, `, ... ${value.length - shown} more`)
    return put(out, " ]")
  }

  // Objects that hold more than their properties: told apart by built-ins that throw for other objects.
  const showSpecial = (out, value, depth, path) => {
    const time = attempt(() => dateValue(value))
    if (time !== undefined) {
      put(out, time === time ? dateText(value) : "Invalid Date")
      return true
    }
    const items = { __proto__: null, length: 0, more: 0 }
    const keep = (item, key) => {
      if (items.length === SHOWN_ITEMS) items.more++
      else items[items.length++] = { __proto__: null, item, key }
    }
    const isMap = attempt(() => mapEach(value, keep) === undefined) === true
    if (!isMap && attempt(() => setEach(value, keep) === undefined) !== true) return false
    put(out, `${isMap ? "Map" : "Set"}(${items.length + items.more}) {`)
    for (let i = 0; i < items.length && depth <= SHOWN_DEPTH && out.room >= 0; i++) {
      put(out, i > 0 ? ", " : " ")
      if (isMap) {
        show(out, items[i].key, depth + 1, path)
        put(out, " => ")
      }
      show(out, items[i].item, depth + 1, path)
    }
    put(out, items.more > 0 ? `, ... ${items.more} more }` : items.length > 0 ? " }" : "}")
    return true
  }

  const attempt = (does) => {
    try {
      return does()
    } catch {
      return undefined
    }
  }

  const showFields = (out, value, depth, path) => {
    const names = keys(value)
    if (names.length === 0) return put(out, "{}")
    put(out, "{ ")
    for (let i = 0; i < names.length && out.room >= 0; i++) {
      if (i > 0) put(out, ", ")
      if (i === SHOWN_ITEMS) {
        put(out, `... ${names.length - i} more`)
        break
      }
      put(out, isWord(names[i]) ? names[i] : quoted(names[i], out.room))
      put(out, ": ")
      showField(out, value, names[i], depth, path, "undefined")
    }
    return put(out, " }")
  }

  const showField = (out, object, name, depth, path, absent) => {
    const property = getOwnPropertyDescriptor(object, name)
    if (property === undefined) put(out, absent)
    else if (hasOwn(property, "value")) show(out, property.value, depth + 1, path)
    else {
      const value = typeof name === "string" ? peek(object, name) : undefined
      if (value !== undefined) show(out, value, depth + 1, path)
      else put(out, property.get === undefined ? "[Setter]" : "[Getter]")
    }
  }

  // In quotes that need no escaping where there are such, cut at what fits.
  const quoted = (value, room) => {
    const text = quote(value.length > room ? slice(value, 0, room + 1) : value)
    const inner = slice(text, 1, text.length - 1)
    return indexOf(inner, "'") < 0 && indexOf(inner, '"') < 0 ? `'${inner}'` : text
  }

  const isWord = (name) => {
    if (name.length === 0 || name.length > 100) return false
    for (let i = 0; i < name.length; i++) if (indexOf(WORD, name[i]) < (i === 0 ? 10 : 0)) return false
    return true
  }

  const nameOfFunction = (value) => {
    const name = field(value, "name")
    return typeof name === "string" && name !== "" ? `[Function: ${name}]` : "[Function (anonymous)]"
  }

  // The name of the class that made an object, as far as data properties tell.
  const className = (value) => {
    let prototype = getPrototypeOf(value)
    if (prototype === null) return "[Object: null prototype]"
    const maker = field(prototype, "constructor")
    const name = typeof maker === "function" ? field(maker, "name") : undefined
    return typeof name === "string" ? name : ""
  }

  // What was thrown: `text` is its name and message, `stack` the engine's own account, `full` both.
  const describe = (thrown) => {
    if (typeof thrown === "object" && thrown !== null && isError(thrown)) return describeError(thrown, 0)
    const out = { __proto__: null, text: "", room: 1024 }
    if (typeof thrown === "string") put(out, thrown)
    else show(out, thrown, 0, null)
    const plain = wellFormed(out.text)
    return { __proto__: null, text: `${plain} (thrown, but not an Error)`, plain, stack: "" }
  }

  const describeError = (error, depth) => {
    const name = inherited(error, "name")
    const message = inherited(error, "message")
    let text = message === "" ? name : name === "" ? message : `${name}: ${message}`
    const found = stackOf(error)
    let stack = typeof found === "string" ? wellFormed(slice(found, 0, 8192)) : ""
    const cause = depth < 3 ? field(error, "cause") : undefined
    if (cause !== undefined) {
      const below = typeof cause === "object" && cause !== null && isError(cause) ? describeError(cause, depth + 1) : describe(cause)
      text = `${text} (caused by ${below.plain})`
    }
    return { __proto__: null, text, plain: text, stack, full: stack === "" ? text : `${text}\n${stack}` }
  }

  // A string among the data properties of `object` and what it inherits from.
  const inherited = (object, name) => {
    for (let at = object, i = 0; at !== null && i < 100; at = getPrototypeOf(at), i++) {
      const value = field(at, name)
      if (typeof value === "string") return wellFormed(slice(value, 0, 4096))
    }
    return ""
  }

  return { __proto__: null, format, describe }
}
