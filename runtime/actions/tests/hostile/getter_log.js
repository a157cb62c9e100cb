// feature: getters
// ends: well
export function execute(input, api) {
  console.log({ get a() { for (;;); } }, [1, , 3])
}
