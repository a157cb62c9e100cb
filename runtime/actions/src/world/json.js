// Plain values of an Action as JSON, without running its code: loaded when one is first given to the host.

export default (kit) => {
  const { getOwnPropertyDescriptor, getPrototypeOf, hasOwn, isArray, keys, objectPrototype, overflow, peek, quote, Text, TypeError } = kit
  const slice = kit.uncurry(kit.slice)
  const wellFormed = kit.uncurry(kit.toWellFormed)

  // Deeper is a cycle, or an attack.
  const DEEPEST = 32

  const write = (value, path, depth, to) => {
    let text
    switch (typeof value) {
      case "string":
        if (value.length > to.room) overflow(path)
        text = quote(wellFormed(value))
        break
      case "number":
        if (value - value !== 0) throw new TypeError(`\`${path}\` is ${value}, which JSON has no number for`)
        text = Text(value)
        break
      case "boolean":
        text = value ? "true" : "false"
        break
      case "object":
        if (value !== null) return isArray(value) ? writeArray(value, path, depth, to) : writeObject(value, path, depth, to)
        text = "null"
        break
      case "undefined":
        throw new TypeError(`\`${path}\` is undefined, which is not a JSON value`)
      default:
        throw new TypeError(`\`${path}\` is a ${typeof value}, which is not a JSON value`)
    }
    take(text.length, path, to)
    return text
  }

  const writeArray = (value, path, depth, to) => {
    if (depth >= DEEPEST) throw tooDeep(path)
    let text = "["
    for (let i = 0; i < value.length; i++) {
      const item = own(value, i, path)
      take(1, path, to)
      text += (i === 0 ? "" : ",") + write(item === undefined ? null : item, `${path}[${i}]`, depth + 1, to)
    }
    take(2, path, to)
    return text + "]"
  }

  const writeObject = (value, path, depth, to) => {
    if (depth >= DEEPEST) throw tooDeep(path)
    const prototype = getPrototypeOf(value)
    if (prototype !== objectPrototype && prototype !== null) throw new TypeError(`\`${path}\` is not a plain object`)
    const names = keys(value)
    let text = "{"
    for (let i = 0; i < names.length; i++) {
      const name = names[i]
      const item = own(value, name, path)
      if (item === undefined) continue
      if (name.length > to.room) overflow(path)
      const key = quote(wellFormed(name)) + ":"
      take(key.length + 1, path, to)
      text += (text === "{" ? "" : ",") + key + write(item, `${path}.${name}`, depth + 1, to)
    }
    take(2, path, to)
    return text + "}"
  }

  const own = (object, name, path) => {
    const property = getOwnPropertyDescriptor(object, name)
    if (property === undefined) return undefined
    if (hasOwn(property, "value")) return property.value
    const value = typeof name === "string" ? peek(object, name) : undefined
    if (value === undefined) throw new TypeError(`\`${path}\` has a getter, \`${name}\``)
    return value
  }

  const take = (length, path, to) => {
    to.room -= length
    if (to.room < 0) overflow(path)
  }

  const tooDeep = (path) => new TypeError(`\`${slice(path, 0, 40)}\` is nested deeper than ${DEEPEST}, or holds itself`)

  // JSON of at most `room` characters; `path` is what messages call the value.
  return { __proto__: null, json: (value, path, room) => write(value, path, 0, { __proto__: null, room }) }
}
