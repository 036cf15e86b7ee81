function n(e){}export{n as begin};
